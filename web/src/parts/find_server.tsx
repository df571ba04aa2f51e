// From an e-mail address to its mail server: what was found, and what the provider asks of whoever logs in.

import { useState } from "preact/hooks";
import { discover } from "../api/discovery";
import type { Candidate, Discovery } from "../api/types";
import { Form, useForm } from "./sending";

const SOURCES: Readonly<Record<Candidate["source"], string>> = {
  srv: "published by the domain",
  autoconfig: "published for mail programs",
  provider: "known of this provider",
  guess: "a guess",
};
const LONGEST_MS = 20_000;

export function FindServer(props: { take: (address: string, found: Candidate) => void; takeAddress: (address: string) => void }) {
  const { draft, sending, text } = useForm(() => ({ address: "" }));
  const [found, setFound] = useState<Discovery | null>(null);
  const [chosen, choose] = useState(0);
  const look = async (): Promise<void> => {
    setFound(null);
    choose(0);
    try {
      const answer = await discover(draft.address, AbortSignal.timeout(LONGEST_MS));
      setFound(answer);
      const first = answer.candidates[0];
      if (first) props.take(answer.address, first);
      else props.takeAddress(draft.address);
    } catch (error) {
      props.takeAddress(draft.address);
      throw error;
    }
  };
  return (
    <Form sending={sending} send={look} button="Find the mail server" quiet>
      {text("address", "E-mail address", { type: "email", required: true, autofocus: true, autocomplete: "off", hint: "Its mail server is looked up; nothing is sent to it yet." })}
      {found?.provider && (
        <div class="warning">
          <strong>{found.provider.name}</strong>
          {found.provider.advice && <p>{found.provider.advice}</p>}
          {found.provider.helpUrl?.startsWith("https://") && (
            <a href={found.provider.helpUrl} rel="noreferrer" target="_blank">
              How, in the provider’s words
            </a>
          )}
        </div>
      )}
      {found?.candidates.length === 0 && <p>No mail server was found for this address: fill in below what you know of it.</p>}
      {found && found.candidates.length > 0 && (
        <fieldset class="candidates">
          <legend>Mail servers found</legend>
          {found.candidates.map((candidate, place) => (
            <label key={place}>
              <input
                type="radio"
                name="candidate"
                checked={place === chosen}
                onChange={() => {
                  choose(place);
                  props.take(found.address, candidate);
                }}
              />{" "}
              {candidate.protocol.toUpperCase()} {candidate.hostname}:{candidate.port}, {candidate.security === "none" ? "no encryption" : candidate.security.toUpperCase()}{" "}
              <span class="faint">({SOURCES[candidate.source]})</span>
              {candidate.warning && <span class="fault"> {candidate.warning}</span>}
            </label>
          ))}
        </fieldset>
      )}
    </Form>
  );
}
