// What each role may do, in a few words. Pure.

import type { Role } from "../api/types";

export const ROLES: Readonly<Record<Role, string>> = {
  admin: "Do everything, people and tokens too",
  user: "Change monitors, channels and maintenance",
  readonly: "Look, pause, and plan maintenance",
  supporter: "Look, and nothing else",
};
