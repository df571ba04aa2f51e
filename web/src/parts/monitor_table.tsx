// Monitors as rows: a table where there is room, a card each where there is not (tables.css).

import { memo } from "./memo";
import { CheckBar } from "./check_bar";
import { Since } from "./moment";
import { StandingMark } from "./standing";
import type { MonitorItem } from "../api/types";
import { endpointOf, standingOf } from "../words/monitors";
import { milliseconds, percent } from "../words/plain";

// A few days are worth a colour before the API's own warning makes the monitor degraded.
const SOON_DAYS = 14;

export function MonitorTable(props: { items: readonly MonitorItem[] }) {
  return (
    <table class="monitors" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">
            State
          </th>
          <th scope="col" role="columnheader">
            Monitor
          </th>
          <th scope="col" role="columnheader">
            Last checks
          </th>
          <th scope="col" role="columnheader" class="number">
            <abbr title="Half of the last checks were faster, and 95 of 100">p50 / p95</abbr>
          </th>
          <th scope="col" role="columnheader" class="number">
            <abbr title="Uptime of the last 24 hours">24 h</abbr>
          </th>
          <th scope="col" role="columnheader" class="number">
            <abbr title="Uptime of the last 30 days">30 d</abbr>
          </th>
          <th scope="col" role="columnheader" class="number">
            <abbr title="Days until the certificate expires">Cert.</abbr>
          </th>
          <th scope="col" role="columnheader" class="number">
            Since
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.items.map((item) => (
          <Row key={item.publicId} item={item} />
        ))}
      </tbody>
    </table>
  );
}

const Row = memo(function Row({ item }: { item: MonitorItem }) {
  const standing = standingOf(item);
  const { overview } = item;
  const days = overview?.certificateDaysLeft ?? null;
  return (
    <tr role="row" class={standing}>
      <td role="cell" class="state">
        <StandingMark standing={standing} />
      </td>
      <th role="rowheader" scope="row" class="what">
        <a class="name" href={`/monitors/${item.publicId}`}>
          {item.name}
        </a>
        <span class="endpoint">
          {endpointOf(item)}
          {item.customerName && ` · ${item.customerName}`}
        </span>
        {item.healthMessage && standing !== "paused" && <span class="says">{item.healthMessage}</span>}
      </th>
      <td role="cell" class="bar">
        <CheckBar states={overview?.recent ?? []} />
      </td>
      <td role="cell" class="number" data-label="p50 / p95">
        {milliseconds(overview?.p50Ms ?? null)} / {milliseconds(overview?.p95Ms ?? null)}
      </td>
      <td role="cell" class="number" data-label="24 h">
        {percent(overview?.uptimeDay ?? null)}
      </td>
      <td role="cell" class="number" data-label="30 d">
        {percent(overview?.uptimeMonth ?? null)}
      </td>
      <td role="cell" class={days !== null && days < SOON_DAYS ? "number soon" : "number"} data-label="Cert.">
        {days === null ? "–" : `${days} d`}
      </td>
      <td role="cell" class="number" data-label="Since">
        <Since at={item.healthSince} />
      </td>
    </tr>
  );
});
