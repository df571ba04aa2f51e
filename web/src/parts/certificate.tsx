// The certificate a check met, and the chain above it.

import type { Certificate } from "../api/types";
import { absolute, counted } from "../words/plain";

const DAY_MS = 86_400_000;

export function CertificateShown(props: { certificate: Certificate }) {
  const { certificate } = props;
  const days = Math.floor((certificate.notAfterMs - Date.now()) / DAY_MS);
  return (
    <dl class="pairs">
      <dt>State</dt>
      <dd>
        {certificate.verified ? "✓ Trusted" : `✕ ${certificate.verifyError ?? "Not verified"}`};{" "}
        <span class={days < 14 ? "soon" : undefined}>{days < 0 ? `expired ${counted(-days, "day")} ago` : `${counted(days, "day")} left`}</span>
      </dd>
      <dt>For</dt>
      <dd>{certificate.subjectAlternativeNames.join(", ") || certificate.subject}</dd>
      <dt>Issued by</dt>
      <dd>{certificate.issuer}</dd>
      <dt>Valid</dt>
      <dd>
        {absolute(certificate.notBeforeMs)} – {absolute(certificate.notAfterMs)}
      </dd>
      {certificate.chain.length > 0 && (
        <>
          <dt>Chain</dt>
          <dd>
            <ol class="chain">
              {certificate.chain.map((subject, place) => (
                <li key={place}>{subject}</li>
              ))}
            </ol>
          </dd>
        </>
      )}
      <dt>Connection</dt>
      <dd>
        {certificate.tlsVersion}, {certificate.cipher}
      </dd>
      <dt>SHA-256</dt>
      <dd class="words">{certificate.fingerprintSha256}</dd>
    </dl>
  );
}
