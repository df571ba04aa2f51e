// What narrows the list of monitors: a search, a state, an order. All of it stands in the address.

import type { RefObject } from "preact";
import { go, query, withQuery } from "../routing";

export interface Filter {
  id: string;
  words: string;
  health: string | null;
  status: string | null;
}

export const FILTERS: readonly [Filter, ...Filter[]] = [
  { id: "all", words: "All", health: null, status: null },
  { id: "down", words: "Down", health: "down", status: null },
  { id: "degraded", words: "Degraded", health: "degraded", status: null },
  { id: "unknown", words: "Unknown", health: "unknown", status: null },
  { id: "up", words: "Up", health: "up", status: null },
  { id: "maintenance", words: "Maintenance", health: null, status: "maintenance" },
  { id: "paused", words: "Paused", health: null, status: "disabled" },
];

const ORDERS = [
  ["worst", "Worst first"],
  ["name", "Name"],
  ["hostname", "Host"],
  ["customerName", "Customer"],
  ["-lastCheckedAt", "Checked last"],
  ["-createdAt", "Newest"],
] as const;

export function MonitorFilters(props: { searchField: RefObject<HTMLInputElement | null> }) {
  const asked = query.value;
  const shown = asked.get("show") ?? "all";
  const change = (changes: Record<string, string | null>, replace = false): void =>
    go(withQuery({ page: null, ...changes }), { replace });
  return (
    <search class="filters">
      <input
        ref={props.searchField}
        type="search"
        aria-label="Search by name, host or customer"
        placeholder="Name, host or customer"
        // Of the address alone, which each key changes at once: a copy of it would lag behind fast typing, and undo it.
        value={asked.get("search") ?? ""}
        onInput={(event) => change({ search: event.currentTarget.value }, true)}
      />
      <div class="choices" role="group" aria-label="Show">
        {FILTERS.map((filter) => (
          <button key={filter.id} type="button" aria-pressed={filter.id === shown} onClick={() => change({ show: filter.id === "all" ? null : filter.id })}>
            {filter.words}
          </button>
        ))}
      </div>
      <label>
        Order{" "}
        <select value={asked.get("sort") ?? "worst"} onChange={(event) => change({ sort: event.currentTarget.value === "worst" ? null : event.currentTarget.value })}>
          {ORDERS.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </search>
  );
}
