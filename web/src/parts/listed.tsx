// A list as a table; where there is no room for one, each entry is a card (tables.css).

import type { ComponentChildren } from "preact";

export type Column<Item> = readonly [title: string, show: (item: Item) => ComponentChildren, kind?: "number"];

/** The first column names the entry. */
export function Listed<Item>(props: { name: string; items: readonly Item[]; idOf: (item: Item) => string; columns: readonly Column<Item>[] }) {
  return (
    <table class="listed" role="table" aria-label={props.name}>
      <thead role="rowgroup">
        <tr role="row">
          {props.columns.map(([title, , kind]) => (
            <th key={title} scope="col" role="columnheader" class={kind}>
              {title || <span class="unseen">What can be done</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.items.map((item) => (
          <tr key={props.idOf(item)} role="row">
            {props.columns.map(([title, show, kind], place) =>
              place === 0 ? (
                <th key={title} scope="row" role="rowheader">
                  {show(item)}
                </th>
              ) : (
                <td key={title} role="cell" data-label={title} class={kind}>
                  {show(item)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What stands where nothing is listed yet: what it would be good for. */
export function Empty(props: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}
