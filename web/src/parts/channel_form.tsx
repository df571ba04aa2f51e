// A channel as a form, by its type. Secrets are written and never read: an empty field keeps what is stored.

import { useState } from "preact/hooks";
import { channels, tryChannel } from "../api/collections";
import type { Channel, ChannelTested, ChannelType, KnownCustomer } from "../api/organization_types";
import { CHANNEL_TYPES, type ChannelField, configOf, fieldText } from "../words/channels";
import { TextArea, Tick } from "./area";
import { SelectField, TextField } from "./field";
import { say } from "./notices";
import { Form, closeEditor, useSending } from "./sending";

const TYPES = Object.entries(CHANNEL_TYPES).map(([type, [words]]) => [type, words] as const);

export function ChannelForm(props: { channel: Channel | null; customers: readonly KnownCustomer[]; done: () => void }) {
  const { channel } = props;
  const [type, setType] = useState<ChannelType>(channel?.type ?? "email");
  const [name, setName] = useState(channel?.name ?? "");
  const [customerId, setCustomerId] = useState(String(channel?.customerId ?? ""));
  const [delay, setDelay] = useState(String((channel?.delaySeconds ?? 0) / 60));
  const [isActive, setActive] = useState(channel?.isActive ?? true);
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>(() => Object.fromEntries(Object.entries(channel?.config ?? {}).map(([field, value]) => [field, fieldText(value)])));
  const [tested, setTested] = useState<ChannelTested | null>(null);
  const sending = useSending();
  const body = { type, name: name.trim(), config: configOf(type, texts) };
  const owner = { customerId: customerId === "" ? null : Number(customerId) };
  const save = async (): Promise<void> => {
    const sent = { ...body, ...owner, delaySeconds: Math.round(Number(delay.replace(",", ".")) * 60), isActive };
    const saved = await (channel ? channels.change(channel.publicId, sent) : channels.make(sent));
    closeEditor();
    props.done();
    say(`${saved.name} is saved.`);
  };
  const test = async (): Promise<void> => {
    setTested(null);
    setTested(await tryChannel({ ...body, name: body.name || "Test", ...owner }));
  };
  return (
    <Form
      sending={sending}
      send={save}
      button="Save"
      more={
        channel === null && (
          <button type="button" disabled={sending.busy} onClick={() => void sending.run(test)}>
            Send a test
          </button>
        )
      }
    >
      <SelectField label="By" value={type} options={TYPES} wrong={sending.about("/type")} onText={(text) => setType(text as ChannelType)} />
      <TextField label="Name" required value={name} wrong={sending.about("/name")} onText={setName} />
      {CHANNEL_TYPES[type].slice(1).map((field) => (
        <ConfigField key={`${type} ${field[0]}`} field={field as ChannelField} kept={channel?.type === type && channel.hasSecret} text={texts[field[0]] ?? ""} wrong={sending.about(`/config/${field[0]}`)} onText={(text) => (setTested(null), setTexts((before) => ({ ...before, [field[0]]: text })))} />
      ))}
      <SelectField label="Tells of" value={customerId} options={[["", "Every customer without channels of its own"], ...props.customers.map((customer) => [String(customer.id), customer.name] as const)]} wrong={sending.about("/customerId")} onText={setCustomerId} />
      <TextField label="Minutes after an incident began" inputMode="decimal" value={delay} wrong={sending.about("/delaySeconds")} hint="0: at once. What is over by then is never told." onText={setDelay} />
      <Tick label="Active" checked={isActive} onTick={setActive} />
      {tested && (
        <p class={tested.success ? "verdict calm" : "verdict down"} role="status">
          {tested.success ? `✓ ${tested.message}` : `✕ ${tested.error ?? tested.message}`}
        </p>
      )}
    </Form>
  );
}

function ConfigField(props: { field: ChannelField; kept: boolean; text: string; wrong: string | null; onText: (text: string) => void }) {
  const [, label, kind = "", hint] = props.field;
  const given = { label, value: props.text, wrong: props.wrong, onText: props.onText };
  const secret = kind.startsWith("secret");
  const placeholder = secret && props.kept ? "kept as it is" : "";
  if (kind.endsWith("map")) return <TextArea {...given} placeholder={placeholder} hint={hint ?? "One a line, as name: value"} />;
  if (kind.includes("|")) return <SelectField {...given} value={props.text || (kind.split("|")[0] ?? "")} options={kind.split("|").map((each) => [each, each] as const)} hint={hint} />;
  return <TextField {...given} type={secret ? "password" : "text"} autocomplete="off" spellcheck={false} placeholder={placeholder} hint={hint ?? (kind === "list" ? "With commas between." : undefined)} />;
}
