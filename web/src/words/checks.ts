// What a check saw, read from what the API leaves open. Pure.

import type { Certificate, Check, Diagnostics } from "../api/types";

const NOTHING: Diagnostics = {
  outcomeClass: "",
  phase: "",
  hint: null,
  serverWords: null,
  phasesMs: {},
  totalMs: 0,
  address: null,
  certificate: null,
  warnings: [],
  transcript: null,
  withheld: false,
};

const BARE = {
  subject: "",
  subjectAlternativeNames: [],
  issuer: "",
  fingerprintSha256: "",
  notBeforeMs: 0,
  chain: [],
  tlsVersion: "",
  cipher: "",
  verified: false,
  verifyError: null,
};

/** Diagnostics of whatever age: what is missing in them is as if nothing had been seen. */
export function diagnosticsOf(check: Check): Diagnostics {
  return { ...NOTHING, ...(check.diagnostics as Partial<Diagnostics>) };
}

/** What is known of the certificate; what an older check did not keep is empty. */
export function certificateOf(check: Check): Certificate | null {
  const kept = diagnosticsOf(check).certificate;
  return kept === null || typeof kept.notAfterMs !== "number" ? null : { ...BARE, ...kept };
}

/** The phase a check failed in; null where it passed. */
export function failedIn(check: Check): string | null {
  return check.status === "failure" && diagnosticsOf(check).outcomeClass !== "ok" ? diagnosticsOf(check).phase : null;
}
