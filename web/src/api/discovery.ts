// What an e-mail address tells of its mail server.

import { request } from "./client";
import type { Discovery } from "./types";

export function discover(address: string, signal: AbortSignal): Promise<Discovery> {
  return request("POST", "/api/discovery", { body: { address }, signal });
}
