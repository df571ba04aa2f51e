// Who may sign in, as what and for whom; and the tokens of programs.

import { useState } from "preact/hooks";
import { customers, resetLink, users } from "../api/collections";
import { useLoaded } from "../api/loading";
import type { KnownCustomer, User } from "../api/organization_types";
import { Copied } from "../parts/copied";
import { Dialog } from "../parts/dialog";
import { Listed } from "../parts/listed";
import { Moment } from "../parts/moment";
import { attempt, later, say } from "../parts/notices";
import { Problem } from "../parts/problem";
import { Editor, Form, closeEditor, editAddress, useForm } from "../parts/sending";
import { Tokens } from "../parts/tokens";
import { mayRule, session } from "../session";
import { ROLES } from "../words/roles";

interface Link {
  of: string;
  link: string;
}

export function People() {
  const loaded = useLoaded(users.list, []);
  const known = useLoaded(customers.list, []);
  const [link, showLink] = useState<Link | null>(null);
  const mayChange = (user: User): boolean => mayRule() && user.email !== session.value?.user?.email;
  return (
    <>
      <div class="heading">
        <h1>People</h1>
        {mayRule() && (
          <a class="button primary" href={editAddress("new")}>
            Invite somebody
          </a>
        )}
      </div>
      <Problem problem={loaded.problem} again={loaded.again} />
      {loaded.value && (
        <Listed
          name="People"
          items={loaded.value}
          idOf={(user) => user.publicId}
          columns={[
            [
              "Person",
              (user) => (
                <>
                  <span class="name">{user.name}</span>
                  <span class="detail">{user.email}</span>
                </>
              ),
            ],
            [
              "May",
              (user) => (
                <>
                  {ROLES[user.role]}
                  {user.globalRole && <span class="detail">In every organization: {user.globalRole}</span>}
                </>
              ),
            ],
            ["For", (user) => user.customerIds === null ? "every customer" : user.customerIds.map((id) => known.value?.find((customer) => customer.id === id)?.name ?? `customer ${id}`).join(", ")],
            ["Signed in", (user) => (user.disabled ? <span class="standing paused">‖ Disabled</span> : user.invited ? <span class="standing unknown">? Invited</span> : <Moment at={user.lastSignInAt} />)],
            ["", (user) => mayChange(user) && <Actions user={user} again={loaded.again} show={showLink} />],
          ]}
        />
      )}
      {link && (
        <Dialog title={`A link for ${link.of}`} onClose={() => showLink(null)}>
          <p>Hand it over yourself: it is shown this once, opens once, and lets in whoever has it.</p>
          <Copied text={link.link} label="the link" />
        </Dialog>
      )}
      {mayRule() && <Tokens customers={known.value ?? []} />}
      <Editor items={loaded.value} titles={["Invite somebody", "Change a person"]} show={(user) => <PersonForm user={user} customers={known.value ?? []} done={loaded.again} show={showLink} />} />
    </>
  );
}

function Actions({ user, again, show }: { user: User; again: () => void; show: (link: Link) => void }) {
  return (
    <div class="actions">
      <a class="button" href={editAddress(user.publicId)}>
        Change<span class="unseen"> {user.name}</span>
      </a>
      <button type="button" onClick={() => void attempt(async () => show({ of: user.name, link: (await resetLink(user.publicId)).link }))}>
        {user.invited ? "New invitation" : "New password"}
        <span class="unseen"> for {user.name}</span>
      </button>
      <button type="button" onClick={() => later(`${user.name} was removed.`, async () => (await users.remove(user.publicId), again()), again)}>
        Remove<span class="unseen"> {user.name}</span>
      </button>
    </div>
  );
}

function PersonForm(props: { user: User | null; customers: readonly KnownCustomer[]; done: () => void; show: (link: Link) => void }) {
  const { user } = props;
  const { draft, sending, text, choice, several, tick } = useForm(() => ({
    name: user?.name ?? "",
    email: user?.email ?? "",
    role: user?.role ?? "user",
    globalRole: user?.globalRole ?? "",
    limited: Boolean(user?.customerIds),
    customerIds: user?.customerIds ?? [],
    disabled: user?.disabled ?? false,
  }));
  const mayBeGlobal = session.value?.user?.globalRole === "admin";
  const mustBeLimited = draft.role === "readonly";
  const isLimited = draft.role !== "admin" && (draft.limited || mustBeLimited);
  const save = async (): Promise<void> => {
    const { email, role, globalRole, disabled } = draft;
    const name = draft.name.trim();
    const body = { name, email: email.trim(), role, customerIds: isLimited ? draft.customerIds : null, ...(mayBeGlobal ? { globalRole: globalRole || null } : {}) };
    if (user) await users.change(user.publicId, { ...body, ...(disabled === user.disabled ? {} : { disabled }) });
    const link = user ? null : (await users.make(body)).invitationLink;
    closeEditor();
    props.done();
    if (link) props.show({ of: name, link });
    else say(`${name} is saved.`);
  };
  const globalRoles = [["", "Nothing"], ["supporter", "Look at everything"], ["admin", "Do everything"]] as const;
  return (
    <Form sending={sending} send={save} button={user ? "Save" : "Invite"}>
      {text("name", "Name", { required: true, autofocus: true })}
      {text("email", "E-mail address", { type: "email", required: true })}
      {choice("role", "May", Object.entries(ROLES))}
      {draft.role !== "admin" && !mustBeLimited && tick("limited", "Only for some customers")}
      {isLimited && several("customerIds", "Customers", props.customers.map(({ id, name }) => [id, name] as const))}
      {mayBeGlobal && choice("globalRole", "In every organization", globalRoles)}
      {user && tick("disabled", "Disabled: cannot sign in")}
    </Form>
  );
}
