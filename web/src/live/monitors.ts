// Keeps a shown list of monitors true: single values change at once, their order when it is asked for anew.

import { useEffect, useRef } from "preact/hooks";
import type { Loaded } from "../api/loading";
import type { Check, CheckState, MonitorItem, MonitorPage } from "../api/types";
import { diagnosticsOf } from "../words/checks";
import { type HealthEvent, listenTo } from "./events";

// After a change of health the order may be another; rows do not jump while one change follows the next.
const SETTLED_MS = 1_500;
// What only the API adds up (uptime, percentiles) follows the results at this pace.
const ADDED_UP_MS = 30_000;
const RECENT = 60;

export function useLiveMonitors<Page extends MonitorPage>(items: readonly MonitorItem[], loaded: Loaded<Page>): void {
  const again = useRef(loaded.again);
  again.current = loaded.again;
  const ids = items.map((item) => item.publicId);
  const shown = ids.length > 0 || loaded.value !== null;
  useEffect(() => {
    if (!shown) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let due = Infinity;
    const reload = (wait: number): void => {
      const at = Date.now() + wait;
      if (at >= due) return;
      due = at;
      clearTimeout(timer);
      timer = setTimeout(() => {
        due = Infinity;
        again.current();
      }, wait);
    };
    const replace = (publicId: string, by: (item: MonitorItem) => MonitorItem): void =>
      loaded.change((page) => ({ ...page, items: page.items.map((item) => (item.publicId === publicId ? by(item) : item)) }));
    const stop = listenTo(ids, {
      health: (event) => {
        replace(event.monitorId, (item) => withHealth(item, event));
        reload(SETTLED_MS);
      },
      result: (event) => {
        replace(event.monitorId, (item) => withCheck(item, event.check));
        reload(ADDED_UP_MS);
      },
      monitor: () => reload(SETTLED_MS),
      opened: () => reload(SETTLED_MS),
      reset: () => reload(0),
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
    // Which monitors are watched, in whichever order they stand.
  }, [[...ids].sort().join(), shown]);
}

function withHealth(item: MonitorItem, event: HealthEvent): MonitorItem {
  return {
    ...item,
    health: event.health,
    healthSince: event.healthSince,
    healthMessage: event.health === "up" ? null : event.message,
    lastCheckedAt: event.lastCheckedAt,
  };
}

function withCheck(item: MonitorItem, check: Check): MonitorItem {
  const { overview } = item;
  if (!overview || (item.lastCheckedAt !== null && check.checkedAt < item.lastCheckedAt)) return item;
  const recent = [...overview.recent, stateOf(check)].slice(-RECENT);
  return { ...item, lastCheckedAt: check.checkedAt, overview: { ...overview, recent } };
}

const TELLS_NOTHING = ["internal", "blocked_target"];
const SOFT = ["auth_temporary", "mailbox_locked", "rate_limited"];
const DEGRADING = ["certificate_expiring", "slow"];

/** The state the API's overview will give a check. */
export function stateOf(check: Check): CheckState {
  const { outcomeClass, phase, withheld, warnings } = diagnosticsOf(check);
  if (TELLS_NOTHING.includes(outcomeClass) || (withheld && (outcomeClass === "ok" || phase === "auth"))) return "unknown";
  if (check.status === "success") return warnings.some(({ code }) => DEGRADING.includes(code)) ? "degraded" : "up";
  return SOFT.includes(outcomeClass) ? "degraded" : "down";
}
