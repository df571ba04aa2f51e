// From one page of a list to the next; links, so that each page can be kept and shared.

import { withQuery } from "../routing";

export function Pager(props: { page: number; perPage: number; total: number }) {
  const pages = Math.ceil(props.total / props.perPage);
  if (pages <= 1) return null;
  const first = (props.page - 1) * props.perPage + 1;
  const last = Math.min(props.total, props.page * props.perPage);
  const to = (page: number): string => withQuery({ page: page === 1 ? null : String(page) });
  return (
    <nav class="pager" aria-label="Pages of the list">
      {props.page > 1 && (
        <a rel="prev" href={to(props.page - 1)}>
          ← Previous
        </a>
      )}
      <span>
        {first.toLocaleString()}–{last.toLocaleString()} of {props.total.toLocaleString()}
      </span>
      {props.page < pages && (
        <a rel="next" href={to(props.page + 1)}>
          Next →
        </a>
      )}
    </nav>
  );
}
