// One's own account: name, password, and where one is signed in.

import { changeOneself, ownSessions, signOutEverywhere } from "../api/collections";
import { useLoaded } from "../api/loading";
import { Listed } from "../parts/listed";
import { Moment } from "../parts/moment";
import { NEW_PASSWORD } from "../parts/new_password";
import { attempt, say } from "../parts/notices";
import { Problem } from "../parts/problem";
import { Form, useForm } from "../parts/sending";
import { loadSession, session } from "../session";
import { ROLES } from "../words/roles";

export function Account() {
  const user = session.value?.user;
  const sessions = useLoaded(ownSessions.list, []);
  if (!user) return null;
  return (
    <>
      <h1>Account</h1>
      <p class="faint">
        {user.email}. You may: {ROLES[user.role].toLowerCase()}.
      </p>
      <div class="columns">
        <section>
          <h2>Name</h2>
          <NameForm name={user.name} />
        </section>
        <section>
          <h2>Password</h2>
          <PasswordForm done={sessions.again} />
        </section>
      </div>
      <div class="heading">
        <h2>Signed in</h2>
        <button type="button" onClick={() => void attempt(async () => (await signOutEverywhere(), await loadSession()))}>
          Sign out everywhere
        </button>
      </div>
      <Problem problem={sessions.problem} again={sessions.again} />
      {sessions.value && (
        <Listed
          name="Where you are signed in"
          items={sessions.value}
          idOf={(each) => each.publicId}
          columns={[
            [
              "Browser",
              (each) => (
                <>
                  {each.current ? <strong>This one</strong> : "Another one"}
                  <span class="detail">{each.userAgent}</span>
                </>
              ),
            ],
            ["Address", (each) => each.address],
            ["Last used", (each) => <Moment at={each.lastSeenAt} />],
            ["Since", (each) => <Moment at={each.createdAt} />],
            [
              "",
              (each) =>
                !each.current && (
                  <button type="button" onClick={() => void attempt(async () => (await ownSessions.remove(each.publicId), sessions.again()))}>
                    Sign out<span class="unseen"> the browser at {each.address}</span>
                  </button>
                ),
            ],
          ]}
        />
      )}
    </>
  );
}

function NameForm(props: { name: string }) {
  const { draft, sending, text } = useForm(() => ({ name: props.name }));
  const save = async (): Promise<void> => {
    await changeOneself({ name: draft.name.trim() });
    await loadSession();
    say("Your name is changed.");
  };
  return (
    <Form sending={sending} send={save} button="Save the name">
      {text("name", "Your name", { required: true, autocomplete: "name" })}
    </Form>
  );
}

function PasswordForm(props: { done: () => void }) {
  const empty = { currentPassword: "", newPassword: "" };
  const { draft, change, sending, text } = useForm(() => empty);
  const save = async (): Promise<void> => {
    await changeOneself(draft);
    change(empty);
    props.done();
    say("Your password is changed; other browsers are signed out.");
  };
  return (
    <Form sending={sending} send={save} button="Change the password">
      {text("currentPassword", "Current password", { type: "password", required: true, autocomplete: "current-password" })}
      {text("newPassword", "New password", NEW_PASSWORD)}
    </Form>
  );
}
