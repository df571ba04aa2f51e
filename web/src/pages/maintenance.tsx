// Planned maintenance: what is open now, what is planned, what is over.

import { customers, windows } from "../api/collections";
import type { MaintenanceWindow } from "../api/incident_types";
import { useLoaded } from "../api/loading";
import { Empty, Listed } from "../parts/listed";
import { Moment } from "../parts/moment";
import { attempt, later, say } from "../parts/notices";
import { Problem } from "../parts/problem";
import { Editor, editAddress } from "../parts/sending";
import { WindowForm } from "../parts/window_form";
import { mayPause } from "../session";
import { recurrenceWords } from "../words/recurrence";
import { counted, duration } from "../words/plain";
import { dayAndTime } from "../words/zones";

type Group = "Open now" | "Planned" | "Past, or switched off";
const GROUPS: readonly Group[] = ["Open now", "Planned", "Past, or switched off"];

function groupOf(window: MaintenanceWindow): Group {
  if (window.isOpen) return "Open now";
  return window.upcoming.length > 0 ? "Planned" : "Past, or switched off";
}

export function Maintenance() {
  const loaded = useLoaded(windows.list, []);
  const known = useLoaded(customers.list, []);
  const all = loaded.value ?? [];
  const whose = (window: MaintenanceWindow): string => known.value?.find((customer) => customer.id === window.customerId)?.name ?? "";
  return (
    <>
      <div class="heading">
        <h1>Maintenance</h1>
        {mayPause() && (
          <a class="button primary" href={editAddress("new")}>
            Plan maintenance
          </a>
        )}
      </div>
      <Problem problem={loaded.problem} again={loaded.again} />
      {loaded.value && all.length === 0 && (
        <Empty title="Nothing is planned">
          <p>
            While a maintenance window is open its monitors are checked and recorded as usual, but nobody is told of what fails, and it does not count
            against uptime. A window can recur: every Sunday night, say, by the clock of your zone.
          </p>
        </Empty>
      )}
      {GROUPS.map((group) => {
        const shown = all.filter((window) => groupOf(window) === group).sort((one, other) => begins(one) - begins(other));
        if (shown.length === 0) return null;
        return (
          <section key={group}>
            <h2>{group}</h2>
            <Listed
              name={group}
              items={shown}
              idOf={(window) => window.publicId}
              columns={[
                [
                  "Window",
                  (window) => (
                    <>
                      <span class="name">{window.name}</span>
                      {window.description && <span class="detail">{window.description}</span>}
                    </>
                  ),
                ],
                ["When", (window) => <When window={window} />],
                ["For", (window) => [whom(window), whose(window)].filter(Boolean).join(" of ")],
                ["", (window) => <Actions window={window} again={loaded.again} />],
              ]}
            />
          </section>
        );
      })}
      <Editor
        items={loaded.value}
        titles={["Plan maintenance", "Change maintenance"]}
        show={(window) => <WindowForm window={window} customers={known.value ?? []} done={loaded.again} />}
      />
    </>
  );
}

function begins(window: MaintenanceWindow): number {
  return Date.parse(window.upcoming[0]?.startTime ?? window.startTime);
}

function When({ window }: { window: MaintenanceWindow }) {
  const next = window.upcoming[0] ?? window;
  return (
    <>
      {dayAndTime(next.startTime, window.timeZone)}, for {duration(Date.parse(next.endTime) - Date.parse(next.startTime))} (<Moment at={next.startTime} />)
      <span class="detail">
        {window.recurrencePattern ? `${recurrenceWords(window.recurrencePattern)}, ` : ""}
        {window.timeZone}
        {!window.isActive && ", switched off"}
      </span>
    </>
  );
}

function whom(window: MaintenanceWindow): string {
  const parts = [window.targets.length > 0 ? counted(window.targets.length, "monitor") : "", window.tags.length > 0 ? `monitors tagged ${window.tags.map((tag) => tag.name).join(", ")}` : ""];
  return parts.filter(Boolean).join(" and ") || "every monitor";
}

function Actions({ window, again }: { window: MaintenanceWindow; again: () => void }) {
  if (!mayPause()) return null;
  const recurs = window.recurrencePattern !== null;
  const end = (): Promise<boolean> =>
    attempt(async () => {
      await windows.change(window.publicId, recurs ? { isActive: false } : { endTime: new Date().toISOString() });
      again();
      say(recurs ? `${window.name} has ended and is switched off.` : `${window.name} has ended.`);
    });
  const remove = (): void => later(`${window.name} was removed.`, async () => (await windows.remove(window.publicId), again()), again);
  return (
    <div class="actions">
      {window.isOpen && (
        <button type="button" onClick={() => void end()}>
          End now
        </button>
      )}
      <a class="button" href={editAddress(window.publicId)}>
        Change<span class="unseen"> {window.name}</span>
      </a>
      <button type="button" onClick={remove}>
        Remove<span class="unseen"> {window.name}</span>
      </button>
    </div>
  );
}
