// Who may sign in, as what and for whom; and the tokens of programs.

import { useState } from "preact/hooks";
import { customers, resetLink, users } from "../api/collections";
import { useLoaded } from "../api/loading";
import type { KnownCustomer, User } from "../api/organization_types";
import type { GlobalRole, Role } from "../api/types";
import { Several, Tick } from "../parts/area";
import { Copied } from "../parts/copied";
import { Dialog } from "../parts/dialog";
import { SelectField, TextField } from "../parts/field";
import { Listed } from "../parts/listed";
import { Moment } from "../parts/moment";
import { attempt, later, say } from "../parts/notices";
import { Problem } from "../parts/problem";
import { Editor, Form, closeEditor, editAddress, useSending } from "../parts/sending";
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
            ["For", (user) => <>{user.customerIds === null ? "every customer" : user.customerIds.map((id) => known.value?.find((customer) => customer.id === id)?.name ?? `customer ${id}`).join(", ")}</>],
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
  const [name, setName] = useState(user?.name ?? "");
  const [email, setEmail] = useState(user?.email ?? "");
  const [role, setRole] = useState<Role>(user?.role ?? "user");
  const [globalRole, setGlobalRole] = useState<GlobalRole | "">(user?.globalRole ?? "");
  const [limited, setLimited] = useState(user ? user.customerIds !== null : false);
  const [chosen, setChosen] = useState<readonly number[]>(user?.customerIds ?? []);
  const [disabled, setDisabled] = useState(user?.disabled ?? false);
  const sending = useSending();
  const mayBeGlobal = session.value?.user?.globalRole === "admin";
  const mustBeLimited = role === "readonly";
  const scope = role !== "admin" && (limited || mustBeLimited) ? [...chosen] : null;
  const save = async (): Promise<void> => {
    const body = { name: name.trim(), email: email.trim(), role, customerIds: scope, ...(mayBeGlobal ? { globalRole: globalRole || null } : {}) };
    if (user) await users.change(user.publicId, { ...body, disabled });
    const link = user ? null : (await users.make(body)).invitationLink;
    closeEditor();
    props.done();
    if (link) props.show({ of: body.name, link });
    else say(`${body.name} is saved.`);
  };
  return (
    <Form sending={sending} send={save} button={user ? "Save" : "Invite"}>
      <TextField label="Name" required autofocus value={name} wrong={sending.about("/name")} onText={setName} />
      <TextField label="E-mail address" type="email" required value={email} wrong={sending.about("/email")} onText={setEmail} />
      <SelectField label="May" value={role} options={Object.entries(ROLES)} wrong={sending.about("/role")} onText={(text) => setRole(text as Role)} />
      {role !== "admin" && !mustBeLimited && <Tick label="Only for some customers" checked={limited} onTick={setLimited} />}
      {scope !== null && <Several label="Customers" of={props.customers.map((customer) => [customer.id, customer.name] as const)} chosen={chosen} wrong={sending.about("/customerIds")} onChosen={setChosen} />}
      {mayBeGlobal && (
        <SelectField
          label="In every organization"
          value={globalRole}
          options={[
            ["", "Nothing"],
            ["supporter", "Look at everything"],
            ["admin", "Do everything"],
          ]}
          wrong={sending.about("/globalRole")}
          onText={(text) => setGlobalRole(text as GlobalRole | "")}
        />
      )}
      {user && <Tick label="Disabled: cannot sign in" checked={disabled} onTick={setDisabled} />}
    </Form>
  );
}
