// Keeps the page of one monitor true: a new check appears at once, what is added up from it a little later.

import { useEffect, useRef } from "preact/hooks";
import type { Loaded } from "../api/loading";
import type { Details } from "../api/types";
import { listenTo } from "./events";

const ADDED_UP_MS = 2_000;
const LOGGED = 50;

export function useLiveMonitor(publicId: string, details: Loaded<Details>): void {
  const newest = useRef(details);
  newest.current = details;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reload = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => newest.current.again(), ADDED_UP_MS);
    };
    const mine = (event: { monitorId: string }): boolean => event.monitorId === publicId;
    const stop = listenTo([publicId], {
      health: (event) => {
        if (!mine(event)) return;
        const { health, healthSince, message } = event;
        details.change((shown) => ({ ...shown, monitor: { ...shown.monitor, health, healthSince, healthMessage: health === "up" ? null : message } }));
        reload();
      },
      result: (event) => {
        if (!mine(event)) return;
        details.change((shown) => ({
          ...shown,
          monitor: { ...shown.monitor, lastCheckedAt: event.check.checkedAt },
          testResultLog: [event.check, ...shown.testResultLog.filter((check) => check.id !== event.check.id)].slice(0, LOGGED),
        }));
        reload();
      },
      monitor: (event) => {
        if (mine(event) && event.change === "changed") reload();
      },
      incident: (event) => {
        if (mine(event)) reload();
      },
      opened: reload,
      reset: reload,
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [publicId]);
}
