// Tokens of programs: made, shown once, revoked.

import { useState } from "preact/hooks";
import { customerTokens, organizationTokens } from "../api/collections";
import { useLoaded } from "../api/loading";
import type { KnownCustomer, Token, TokenCreated } from "../api/organization_types";
import { ROLES } from "../words/roles";
import { Copied } from "./copied";
import { Dialog } from "./dialog";
import { Listed } from "./listed";
import { Moment } from "./moment";
import { later } from "./notices";
import { Problem } from "./problem";
import { Form, customerChoices, useForm } from "./sending";

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
            ["May", (token) => ROLES[token.role]],
            ["For", (token) => token.customerId === null ? "the whole organization" : (props.customers.find(({ id }) => id === token.customerId)?.name ?? `customer ${token.customerId}`)],
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
  const { draft, sending, text, choice } = useForm(() => ({ name: "", role: "user", customerId: "", expiresInDays: "" }));
  const make = async (): Promise<void> => {
    const days = draft.expiresInDays.trim();
    const body = { name: draft.name.trim(), role: draft.role, expiresInDays: days === "" ? null : Number(days) || days };
    props.done(await (draft.customerId === "" ? organizationTokens.make(body) : customerTokens.make({ ...body, customerId: Number(draft.customerId) })));
  };
  return (
    <Form sending={sending} send={make} button="Make it">
      {text("name", "Name", { required: true, autofocus: true, hint: "Which program has it." })}
      {choice("role", "May", Object.entries(ROLES))}
      {choice("customerId", "For", customerChoices(props.customers, "The whole organization"))}
      {text("expiresInDays", "Expires after … days", { inputMode: "numeric", placeholder: "never" })}
    </Form>
  );
}
