// A channel as a form, by its type. Secrets are written and never read: an empty field keeps what is stored.

import { useState } from "preact/hooks";
import { channels, tryChannel } from "../api/collections";
import type { Channel, ChannelTested, ChannelType, KnownCustomer } from "../api/organization_types";
import { CHANNEL_TYPES, type ChannelField, configOf, fieldText } from "../words/channels";
import { TextArea } from "./area";
import { SelectField, TextField } from "./field";
import { say } from "./notices";
import { Form, closeEditor, customerChoices, useForm } from "./sending";

const TYPES = Object.entries(CHANNEL_TYPES).map(([type, [words]]) => [type, words] as const);

export function ChannelForm(props: { channel: Channel | null; customers: readonly KnownCustomer[]; done: () => void }) {
  const { channel } = props;
  const { draft, change, sending, text, choice, tick } = useForm(() => ({
    type: channel?.type ?? ("email" as ChannelType),
    name: channel?.name ?? "",
    customerId: String(channel?.customerId ?? ""),
    delaySeconds: String((channel?.delaySeconds ?? 0) / 60),
    isActive: channel?.isActive ?? true,
    config: Object.fromEntries(Object.entries(channel?.config ?? {}).map(([field, value]) => [field, fieldText(value)])),
  }));
  const [tested, setTested] = useState<ChannelTested | null>(null);
  const { type } = draft;
  const body = { type, name: draft.name.trim(), config: configOf(type, draft.config), customerId: draft.customerId === "" ? null : Number(draft.customerId) };
  const save = async (): Promise<void> => {
    const sent = { ...body, delaySeconds: Math.round(Number(draft.delaySeconds.replace(",", ".")) * 60), isActive: draft.isActive };
    const saved = await (channel ? channels.change(channel.publicId, sent) : channels.make(sent));
    closeEditor();
    props.done();
    say(`${saved.name} is saved.`);
  };
  const test = async (): Promise<void> => {
    setTested(null);
    setTested(await tryChannel({ ...body, name: body.name || "Test" }));
  };
  const more = channel === null && (
    <button type="button" disabled={sending.busy} onClick={() => void sending.run(test)}>
      Send a test
    </button>
  );
  return (
    <Form sending={sending} send={save} button="Save" more={more}>
      {choice("type", "By", TYPES)}
      {text("name", "Name", { required: true })}
      {CHANNEL_TYPES[type].slice(1).map((field) => (
        <ConfigField
          key={`${type} ${field[0]}`}
          field={field as ChannelField}
          kept={channel?.type === type && channel.hasSecret}
          text={draft.config[field[0]] ?? ""}
          wrong={sending.about(`/config/${field[0]}`)}
          onText={(words) => change({ config: { ...draft.config, [field[0]]: words } })}
        />
      ))}
      {choice("customerId", "Tells of", customerChoices(props.customers, "Every customer without channels of its own"))}
      {text("delaySeconds", "Minutes after an incident began", { inputMode: "decimal", hint: "0: at once. What is over by then is never told." })}
      {tick("isActive", "Active")}
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
