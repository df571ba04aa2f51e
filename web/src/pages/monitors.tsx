// All monitors in one table, worst first. What is searched, filtered, sorted and paged is asked of the API and stands in
// the address; changes arrive by themselves.

import { useEffect, useRef } from "preact/hooks";
import { checkNow, listMonitors, setStatus } from "../api/monitors";
import { useLoaded } from "../api/loading";
import type { MonitorItem } from "../api/types";
import { useKeys } from "../parts/keys";
import { type Filter, FILTERS, MonitorFilters } from "../parts/monitor_filters";
import { MonitorTable } from "../parts/monitor_table";
import { attempt, say } from "../parts/notices";
import { Pager } from "../parts/pager";
import { Problem } from "../parts/problem";
import { useLiveMonitors } from "../live/monitors";
import { go, query, withQuery } from "../routing";
import { mayPause, mayWrite } from "../session";
import { counted } from "../words/plain";

const PER_PAGE = 50;

export function Monitors() {
  const table = useRef<HTMLDivElement>(null);
  const searchField = useRef<HTMLInputElement>(null);
  const asked = query.value;
  const filter: Filter = FILTERS.find((each) => each.id === asked.get("show")) ?? FILTERS[0];
  const page = Math.max(1, Number(asked.get("page")) || 1);
  const search = asked.get("search") ?? "";
  const loaded = useLoaded(
    async (signal) => ({
      search,
      ...(await listMonitors(
        {
          search: search || null,
          health: filter.health,
          status: filter.status,
          customerId: asked.get("customer"),
          tag: asked.get("tag"),
          sort: asked.get("sort") ?? "worst",
          page,
          perPage: PER_PAGE,
        },
        signal,
      )),
    }),
    [asked.toString()],
  );
  const found = loaded.value?.items ?? [];
  useLiveMonitors(found, loaded);
  // What is typed narrows the rows at once; which others fit as well is the API's answer.
  const items = loaded.value?.search === search ? found : found.filter((item) => isAbout(item, search));
  useMonitorKeys(items, table, searchField, loaded.again);

  // A page that is no longer there, because there are fewer monitors now.
  const total = loaded.value?.total ?? 0;
  useEffect(() => {
    if (loaded.value && page > 1 && found.length === 0) go(withQuery({ page: null }), { replace: true });
  }, [loaded.value]);

  const narrowed = ["search", "show", "customer", "tag"].some((name) => asked.has(name));
  return (
    <>
      <div class="heading">
        <h1>Monitors</h1>
        {loaded.value && <p class="faint">{counted(total, "monitor")}</p>}
        {mayWrite() && (
          <a class="button primary" href="/add">
            Add a mailbox
          </a>
        )}
      </div>
      <MonitorFilters searchField={searchField} />
      <Problem problem={loaded.problem} again={loaded.again} />
      {loaded.value && total === 0 && (narrowed ? <NothingFound /> : <NoneYet />)}
      {total > 0 && (
        <div ref={table} aria-busy={loaded.loading}>
          <MonitorTable items={items} />
          <Pager page={page} perPage={PER_PAGE} total={total} />
        </div>
      )}
    </>
  );
}

function isAbout(item: MonitorItem, search: string): boolean {
  return [item.name, item.hostname, item.customerName].some((text) => text?.toLowerCase().includes(search.toLowerCase()));
}

function useMonitorKeys(
  items: readonly MonitorItem[],
  table: { current: HTMLElement | null },
  search: { current: HTMLInputElement | null },
  again: () => void,
): void {
  const turn = (item: MonitorItem): Promise<boolean> =>
    attempt(async () => {
      const paused = item.status === "disabled";
      await setStatus(item.publicId, paused ? "active" : "disabled");
      again();
      say(`${item.name} is ${paused ? "checked again" : "paused"}.`, () => void attempt(async () => (await setStatus(item.publicId, item.status), again())));
    });
  const links = (): HTMLAnchorElement[] => [...(table.current?.querySelectorAll<HTMLAnchorElement>("a.name") ?? [])];
  const place = (): number => links().findIndex((link) => link.closest("tr")?.contains(document.activeElement));
  const move = (by: number): void => {
    const all = links();
    all[place() === -1 ? 0 : Math.min(all.length - 1, Math.max(0, place() + by))]?.focus();
  };
  useKeys([
    { key: "/", does: "Search", act: () => search.current?.select() },
    { key: "j", does: "Next monitor", act: () => move(1) },
    { key: "k", does: "Previous monitor", act: () => move(-1) },
    { key: "o", does: "Open the monitor", act: () => links()[place()]?.click() },
    {
      key: "p",
      does: "Pause the monitor, or go on with it",
      act: () => {
        const item = items[place()];
        if (item && mayPause()) void turn(item);
      },
    },
    {
      key: "t",
      does: "Check the monitor now",
      act: () => {
        const item = items[place()];
        if (item) void attempt(async () => (await checkNow(item.publicId), say(`Checking ${item.name} …`)));
      },
    },
  ]);
}

function NothingFound() {
  return (
    <div class="empty">
      <p>No monitor fits what you are looking for.</p>
      <p>
        <a href="/">Show all monitors</a>
      </p>
    </div>
  );
}

function NoneYet() {
  return (
    <div class="empty">
      <h2>No mailbox is watched yet</h2>
      <p>
        mailprobe logs in to a mailbox as a mail program would, over IMAP or POP3, as often as you like, and says within
        seconds when that fails: in which phase, in the server’s own words, and what to do next. It never touches mail.
      </p>
      {mayWrite() && (
        <p>
          <a class="button primary" href="/add">
            Add the first mailbox
          </a>{" "}
          <a class="button" href="/add/many">
            Add many at once
          </a>
        </p>
      )}
      <p>Rather from a terminal?</p>
      <pre>mailprobe monitors add --name "Mailbox" --user monitor@example.com mail.example.com</pre>
    </div>
  );
}
