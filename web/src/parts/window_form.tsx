// A maintenance window as a form; what comes of it is worked out by the server while it is filled in.

import { useEffect, useState } from "preact/hooks";
import { type Body, previewWindow, windows } from "../api/collections";
import { ApiProblem } from "../api/client";
import type { MaintenanceWindow, Occurrence } from "../api/incident_types";
import { useLoaded } from "../api/loading";
import { listTags, pickMonitors } from "../api/monitors_picked";
import type { KnownCustomer } from "../api/organization_types";
import { DAYS, UNITS } from "../words/recurrence";
import { dayAndTime, knownZones, localText, momentOf, ownZone } from "../words/zones";
import { Several } from "./area";
import { TextField } from "./field";
import { say } from "./notices";
import { Form, closeEditor, customerChoices, useForm } from "./sending";

const TYPED_MS = 500;
const HOUR_MS = 3_600_000;
const ZONES = "zones";
const FREQUENCIES = [["", "Never"], ["daily", "By the day"], ["weekly", "By the week"], ["monthly", "By the month"]] as const;
const WHOM = [["customer", "Every monitor of a customer"], ["monitors", "Some monitors"], ["tags", "Monitors with a tag"]] as const;

/** Named as the API names them, where it has them. */
interface Draft {
  name: string;
  description: string;
  timeZone: string;
  startTime: string;
  endTime: string;
  frequency: string;
  interval: string;
  days: number[];
  dayOfMonth: string;
  last: string;
  isActive: boolean;
  whom: "customer" | "monitors" | "tags";
  customerId: string;
  targets: number[];
  tags: number[];
}

function draftOf(window: MaintenanceWindow | null): Draft {
  const zone = window?.timeZone ?? ownZone();
  const start = window ? Date.parse(window.startTime) : Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  const pattern = window?.recurrencePattern ?? {};
  const text = (name: string): string => (pattern[name] === undefined || pattern[name] === null ? "" : String(pattern[name]));
  return {
    name: window?.name ?? "",
    description: window?.description ?? "",
    timeZone: zone,
    startTime: localText(start, zone),
    endTime: localText(window ? Date.parse(window.endTime) : start + HOUR_MS, zone),
    frequency: text("frequency"),
    interval: text("interval") || "1",
    days: ((pattern["daysOfWeek"] as number[] | undefined) ?? []).map((day) => day % 7),
    dayOfMonth: text("dayOfMonth"),
    last: text("endRecurrenceDate").slice(0, 10),
    isActive: window?.isActive ?? true,
    whom: window?.targets.length ? "monitors" : window?.tags.length ? "tags" : "customer",
    customerId: window?.customerId ? String(window.customerId) : "",
    targets: window?.targets.map((target) => target.id) ?? [],
    tags: window?.tags.map((tag) => tag.id) ?? [],
  };
}

function bodyOf(draft: Draft): Body {
  const recurs = draft.frequency !== "";
  const pattern = {
    frequency: draft.frequency,
    interval: Number(draft.interval) || 1,
    ...(draft.frequency === "weekly" && draft.days.length > 0 ? { daysOfWeek: draft.days } : {}),
    ...(draft.frequency === "monthly" && draft.dayOfMonth ? { dayOfMonth: Number(draft.dayOfMonth) } : {}),
    ...(draft.last ? { endRecurrenceDate: draft.last } : {}),
  };
  const whom = {
    customer: { customerId: Number(draft.customerId), targets: [], tagIds: [] },
    monitors: { targets: draft.targets.map((id) => ({ type: "imap_pop", id })), tagIds: [] },
    tags: { tagIds: draft.tags, targets: [], ...(draft.customerId ? { customerId: Number(draft.customerId) } : {}) },
  }[draft.whom];
  return {
    name: draft.name.trim(),
    description: draft.description,
    timeZone: draft.timeZone,
    startTime: momentOf(draft.startTime, draft.timeZone) ?? draft.startTime,
    endTime: momentOf(draft.endTime, draft.timeZone) ?? draft.endTime,
    isRecurring: recurs,
    ...(recurs ? { recurrencePattern: pattern } : {}),
    isActive: draft.isActive,
    ...whom,
  };
}

export function WindowForm(props: { window: MaintenanceWindow | null; customers: readonly KnownCustomer[]; done: () => void }) {
  const { draft, change, sending, text, choice, area, moment, several, tick } = useForm(() => draftOf(props.window));
  const first = props.customers[0];
  useEffect(() => {
    if (first && draft.whom === "customer" && draft.customerId === "") change({ customerId: String(first.id) });
  }, [first, draft.whom]);
  const id = props.window?.publicId ?? null;
  const save = async (): Promise<void> => {
    await (id === null ? windows.make(bodyOf(draft)) : windows.change(id, bodyOf(draft)));
    closeEditor();
    props.done();
    say(`${draft.name} is ${id === null ? "planned" : "changed"}.`);
  };
  const pattern = (name: string) => ({ wrong: sending.about(`/recurrencePattern/${name}`) });
  return (
    <Form sending={sending} send={save} button={id === null ? "Plan it" : "Save"}>
      {text("name", "Name", { required: true, autofocus: true })}
      <div class="row">
        {moment("startTime", "Begins", "datetime-local")}
        {moment("endTime", "Ends", "datetime-local")}
      </div>
      <div class="row">
        {text("timeZone", "Time zone", { list: ZONES })}
        <datalist id={ZONES}>
          {knownZones().map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        {choice("frequency", "Recurs", FREQUENCIES, pattern("frequency"))}
      </div>
      {draft.frequency !== "" && (
        <div class="row">
          {text("interval", `Every … ${UNITS[draft.frequency]}s`, { inputMode: "numeric", ...pattern("interval") })}
          {draft.frequency === "monthly" && text("dayOfMonth", "Day of the month", { inputMode: "numeric", placeholder: "as it begins", ...pattern("dayOfMonth") })}
          {moment("last", "Last day", "date", { hint: "Empty: without end.", ...pattern("endRecurrenceDate") })}
        </div>
      )}
      {draft.frequency === "weekly" && several("days", "On", DAYS.map((day, number) => [number, day] as const), "None: the day it begins.")}
      {choice("whom", "For", WHOM, { wrong: sending.about("/targets") ?? sending.about("/tagIds") })}
      {draft.whom !== "monitors" && choice("customerId", "Customer", customerChoices(props.customers, draft.whom === "tags" ? "Everybody" : null))}
      {draft.whom === "monitors" && <Targets chosen={draft.targets} onChosen={(targets) => change({ targets })} />}
      {draft.whom === "tags" && <Tags chosen={draft.tags} onChosen={(tags) => change({ tags })} />}
      {area("description", "Description", { rows: 2 })}
      {id !== null && tick("isActive", "Active")}
      <Preview id={id} draft={draft} />
    </Form>
  );
}

function Targets(props: { chosen: readonly number[]; onChosen: (ids: number[]) => void }) {
  const [search, setSearch] = useState("");
  const found = useLoaded((signal) => pickMonitors(search, signal), [search]);
  const [names, setNames] = useState<Readonly<Record<number, string>>>({});
  useEffect(() => {
    setNames((before) => ({ ...before, ...Object.fromEntries((found.value ?? []).map((monitor) => [monitor.id, monitor.name])) }));
  }, [found.value]);
  const shown = [...props.chosen, ...(found.value ?? []).map((monitor) => monitor.id).filter((id) => !props.chosen.includes(id))];
  return (
    <>
      <TextField label="Search monitors" value={search} placeholder="Name, host or customer" onText={setSearch} />
      <Several label="Monitors" of={shown.slice(0, Math.max(20, props.chosen.length)).map((id) => [id, names[id] ?? `Monitor ${id}`] as const)} chosen={props.chosen} wrong={null} hint="All of one customer." onChosen={props.onChosen} />
    </>
  );
}

function Tags(props: { chosen: readonly number[]; onChosen: (ids: number[]) => void }) {
  const tags = useLoaded(listTags, []);
  if (tags.value?.length === 0) return <p class="hint">There are no tags yet.</p>;
  return <Several label="Tags" of={(tags.value ?? []).map((tag) => [tag.id, tag.name] as const)} chosen={props.chosen} wrong={null} onChosen={props.onChosen} />;
}

/** When it would be open: asked of the server, which keeps nothing of the question. */
function Preview(props: { id: string | null; draft: Draft }) {
  const [found, setFound] = useState<readonly Occurrence[] | string | null>(null);
  const asked = JSON.stringify(bodyOf({ ...props.draft, name: props.draft.name || "?", isActive: true }));
  useEffect(() => {
    const asking = new AbortController();
    const timer = setTimeout(() => {
      previewWindow(props.id, JSON.parse(asked) as Body, asking.signal).then(
        (window) => setFound(window.upcoming),
        (error: unknown) => {
          if (!asking.signal.aborted) setFound(error instanceof ApiProblem ? (error.faults[0]?.detail ?? error.message) : String(error));
        },
      );
    }, TYPED_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [asked]);
  return (
    <section class="preview" aria-live="polite" aria-label="When it will be open">
      <strong>When it will be open</strong>
      {typeof found === "string" ? (
        <p class="hint">{found}</p>
      ) : found?.length === 0 ? (
        <p class="hint">Not any more: it lies in the past.</p>
      ) : (
        <ol>
          {(found ?? []).map((occurrence) => (
            <li key={occurrence.startTime}>
              {dayAndTime(occurrence.startTime, props.draft.timeZone)} – {dayAndTime(occurrence.endTime, props.draft.timeZone)}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
