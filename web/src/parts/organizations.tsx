// Which organization is acted for, for those who look after all of them: said plainly, and changed.

import { actFor, acting } from "../acting";
import { organizations } from "../api/collections";
import { useLoaded } from "../api/loading";
import { session } from "../session";

/** `here`: where to stay; what belongs to one organization is not to be found in another. */
export function Organizations({ here }: { here: string }) {
  const known = useLoaded(organizations.list, []).value ?? [];
  const current = session.value?.organization;
  const home = session.value?.user?.organizationId;
  if (!current || (known.length < 2 && acting === null)) return null;
  return (
    <label class={current.id === home ? "faint" : "acting"}>
      {current.id === home ? "Organization" : "Acting for"}{" "}
      <select value={current.id} onChange={({ currentTarget: { value } }) => actFor(Number(value) === home ? null : Number(value), here)}>
        {(known.length ? known : [current]).map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
