// Whose mailboxes are watched: customers, what they are told to be, and the packages they have.

import { customers, letLeave, packages } from "../api/collections";
import { useLoaded } from "../api/loading";
import type { KnownCustomer, Package } from "../api/organization_types";
import { Empty, Listed } from "../parts/listed";
import { Moment } from "../parts/moment";
import { attempt, say } from "../parts/notices";
import { Problem } from "../parts/problem";
import { Editor, Form, closeEditor, editAddress, useForm } from "../parts/sending";
import { mayRule, mayWrite } from "../session";
import { counted } from "../words/plain";

const STATES: Readonly<Record<string, string>> = { active: "✓ Active", marked_for_cancellation: "▲ Leaves", cancelled: "‖ Gone; nothing of it is checked" };

export function Customers() {
  const loaded = useLoaded(customers.list, []);
  const known = useLoaded(packages.list, []);
  return (
    <>
      <div class="heading">
        <h1>Customers</h1>
        {loaded.value && <p class="faint">{counted(loaded.value.length, "customer")}</p>}
        {mayWrite() && (
          <a class="button primary" href={editAddress("new")}>
            Add a customer
          </a>
        )}
      </div>
      <Problem problem={loaded.problem} again={loaded.again} />
      {loaded.value?.length === 0 && (
        <Empty title="No customers yet">
          <p>Every mailbox belongs to a customer. People and tokens can be limited to some of them, and each can have channels of its own.</p>
        </Empty>
      )}
      {(loaded.value?.length ?? 0) > 0 && (
        <Listed
          name="Customers"
          items={loaded.value ?? []}
          idOf={(customer) => customer.publicId}
          columns={[
            [
              "Customer",
              (customer) => (
                <>
                  <a class="name" href={`/?customer=${customer.id}`}>
                    {customer.name}
                  </a>
                  {customer.email && <span class="detail">{customer.email}</span>}
                </>
              ),
            ],
            ["Package", (customer) => packageName(known.value, customer.packageType)],
            [
              "State",
              (customer) => (
                <>
                  {STATES[customer.status] ?? customer.status} {customer.cancelsAt && <Moment at={customer.cancelsAt} />}
                </>
              ),
            ],
            [
              "",
              (customer) => (
                <span class="actions">
                  {mayWrite() && (
                    <a class="button" href={editAddress(customer.publicId)}>
                      Change<span class="unseen"> {customer.name}</span>
                    </a>
                  )}
                  {mayRule() && (
                    <button type="button" onClick={() => void leave(customer, customer.status === "active", loaded.again)}>
                      {customer.status === "active" ? "Let go" : "Take back"}
                      <span class="unseen"> {customer.name}</span>
                    </button>
                  )}
                </span>
              ),
            ],
          ]}
        />
      )}
      <Packages known={known.value ?? []} />
      <Editor items={loaded.value} titles={["Add a customer", "Change a customer"]} show={(customer) => <CustomerForm customer={customer} packages={known.value ?? []} done={loaded.again} />} />
    </>
  );
}

/** What was recorded stays; what was checked until a customer was gone is not checked again by itself. */
async function leave(customer: KnownCustomer, leaves: boolean, again: () => void): Promise<void> {
  const turn = (back: boolean): Promise<boolean> => attempt(async () => (await letLeave(customer.publicId, leaves !== back), again()));
  if (!(await turn(false))) return;
  if (leaves) say(`${customer.name} leaves in three days; then nothing of it is checked.`, () => void turn(true));
  else say(customer.status === "cancelled" ? `${customer.name} is back; its monitors are still paused.` : `${customer.name} stays.`);
}

function packageName(known: readonly Package[] | null, type: string | null): string {
  return known?.find((each) => each.packageType === type)?.displayName ?? type ?? "standard";
}

function CustomerForm(props: { customer: KnownCustomer | null; packages: readonly Package[]; done: () => void }) {
  const { customer } = props;
  const { draft, sending, text, choice } = useForm(() => ({
    name: customer?.name ?? "",
    email: customer?.email ?? "",
    packageType: customer?.packageType ?? "",
    allowedCheckCountryCodes: customer?.allowedCheckCountryCodes?.join(", ") ?? "",
    alertLocationThresholdCount: String(customer?.alertLocationThresholdCount ?? ""),
  }));
  const save = async (): Promise<void> => {
    const codes = draft.allowedCheckCountryCodes.split(/[,\s]+/).filter(Boolean);
    const agreeing = draft.alertLocationThresholdCount.trim();
    const body = {
      name: draft.name.trim(),
      email: draft.email.trim() || null,
      packageType: draft.packageType || null,
      allowedCheckCountryCodes: codes.length > 0 ? codes : null,
      alertLocationThresholdCount: agreeing === "" ? null : Number(agreeing) || agreeing,
    };
    await (customer ? customers.change(customer.publicId, body) : customers.make(body));
    closeEditor();
    props.done();
    say(`${body.name} is saved.`);
  };
  const types = props.packages.map((each) => [each.packageType, each.displayName ?? each.packageType] as const);
  return (
    <Form sending={sending} send={save} button="Save">
      {text("name", "Name", { required: true, autofocus: true })}
      {text("email", "E-mail address", { type: "email" })}
      {choice("packageType", "Package", [["", "The standard one"], ...types], { hint: "How fast an outage is believed and told." })}
      {text("allowedCheckCountryCodes", "Checked from countries", { placeholder: "everywhere", hint: "Two letters each, such as DE, AT." })}
      {text("alertLocationThresholdCount", "Locations that must agree", { inputMode: "numeric", placeholder: "as the package says" })}
    </Form>
  );
}

function Packages({ known }: { known: readonly Package[] }) {
  if (known.length === 0) return null;
  return (
    <>
      <h2>Packages</h2>
      <Listed
        name="Packages"
        items={known}
        idOf={(each) => each.packageType}
        columns={[
          ["Package", (each) => each.displayName ?? each.packageType],
          ["Down after", (each) => <>{counted(each.alertConsecutiveChecks, "failure")} in a row</>],
          ["Locations that agree", (each) => each.alertLocationThreshold],
          ["Told after", (each) => each.notificationDelayMinutes === 0 ? "at once" : `${each.notificationDelayMinutes} min`],
          ["Reminded every", (each) => each.alertReminderInterval === 0 ? "never" : `${each.alertReminderInterval} min`],
          ["Customers", (each) => each.usedByCustomerCount],
        ]}
      />
    </>
  );
}
