// Tokens of programs: made, shown once, revoked.

import { useState } from "preact/hooks";
import { customerTokens, organizationTokens } from "../api/collections";
import { useLoaded } from "../api/loading";
import type { KnownCustomer, Token, TokenCreated } from "../api/organization_types";
import type { Role } from "../api/types";
import { ROLES } from "../words/roles";
import { Copied } from "./copied";
import { Dialog } from "./dialog";
import { SelectField, TextField } from "./field";
import { Listed } from "./listed";
import { Moment } from "./moment";
import { later } from "./notices";
import { Problem } from "./problem";
import { Form, useSending } from "./sending";

async function listAll(signal: AbortSignal): Promise<Token[]> {
  const [wide, narrow] = await Promise.all([organizationTokens.list(signal), customerTokens.list(signal)]);
  return [...wide, ...narrow];
}

export function Tokens(props: { customers: readonly KnownCustomer[] }) {
  const loaded = useLoaded(listAll, []);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<TokenCreated | null>(null);
  const revoke = (token: Token): void => {
    const of = token.customerId === null ? organizationTokens : customerTokens;
    later(`${token.name} was revoked.`, async () => (await of.remove(token.publicId), loaded.again()), loaded.again);
  };
  return (
    <>
      <div class="heading">
        <h2>Tokens</h2>
        <p class="faint">What programs show instead of signing in.</p>
        <button type="button" onClick={() => setMaking(true)}>
          Make a token
        </button>
      </div>
      <Problem problem={loaded.problem} again={loaded.again} />
      {loaded.value?.length === 0 && (
        <p>
          None yet. A token lets a program use the <a href="/api/docs">API</a> or the <code>mailprobe</code> command.
        </p>
      )}
      {(loaded.value?.length ?? 0) > 0 && (
        <Listed
          name="Tokens"
          items={loaded.value ?? []}
          idOf={(token) => token.publicId}
          columns={[
            [
              "Token",
              (token) => (
                <>
                  <span class="name">{token.name}</span>
                  <span class="detail">{token.tokenHint}</span>
                </>
              ),
            ],
            ["May", (token) => <>{ROLES[token.role]}</>],
            ["For", (token) => <>{token.customerId === null ? "the whole organization" : (props.customers.find(({ id }) => id === token.customerId)?.name ?? `customer ${token.customerId}`)}</>],
            ["Last used", (token) => <Moment at={token.lastUsedAt} />],
            ["Expires", (token) => <Moment at={token.expiresAt} />],
            [
              "",
              (token) => (
                <button type="button" onClick={() => revoke(token)}>
                  Revoke<span class="unseen"> {token.name}</span>
                </button>
              ),
            ],
          ]}
        />
      )}
      {making && (
        <Dialog title="Make a token" onClose={() => setMaking(false)}>
          <TokenForm customers={props.customers} done={(token) => (setMaking(false), setMade(token), loaded.again())} />
        </Dialog>
      )}
      {made && (
        <Dialog title={made.name} onClose={() => setMade(null)}>
          <p>Keep it now: it is shown this once. Whoever has it may do what it may.</p>
          <Copied text={made.token} label="the token" />
        </Dialog>
      )}
    </>
  );
}

function TokenForm(props: { customers: readonly KnownCustomer[]; done: (made: TokenCreated) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("user");
  const [customerId, setCustomerId] = useState("");
  const [days, setDays] = useState("");
  const sending = useSending();
  const make = async (): Promise<void> => {
    const body = { name: name.trim(), role, expiresInDays: days.trim() === "" ? null : Number(days) || days };
    props.done(await (customerId === "" ? organizationTokens.make(body) : customerTokens.make({ ...body, customerId: Number(customerId) })));
  };
  return (
    <Form sending={sending} send={make} button="Make it">
      <TextField label="Name" required autofocus value={name} wrong={sending.about("/name")} hint="Which program has it." onText={setName} />
      <SelectField label="May" value={role} options={Object.entries(ROLES)} wrong={sending.about("/role")} onText={(text) => setRole(text as Role)} />
      <SelectField label="For" value={customerId} options={[["", "The whole organization"], ...props.customers.map((customer) => [String(customer.id), customer.name] as const)]} wrong={sending.about("/customerId")} onText={setCustomerId} />
      <TextField label="Expires after … days" inputMode="numeric" value={days} placeholder="never" wrong={sending.about("/expiresInDays")} onText={setDays} />
    </Form>
  );
}
