// From an e-mail address to its mail server: what was found, and what the provider asks of whoever logs in.

import { useState } from "preact/hooks";
import { discover } from "../api/discovery";
import { ApiProblem, wordsOf } from "../api/client";
import type { Candidate, Discovery } from "../api/types";
import { TextField } from "./field";
import { Problem } from "./problem";

const SOURCES: Readonly<Record<Candidate["source"], string>> = {
  srv: "published by the domain",
  autoconfig: "published for mail programs",
  provider: "known of this provider",
  guess: "a guess",
};

export function FindServer(props: { take: (address: string, found: Candidate) => void; takeAddress: (address: string) => void }) {
  const [address, setAddress] = useState("");
  const [found, setFound] = useState<Discovery | null>(null);
  const [chosen, choose] = useState(0);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const look = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    setFound(null);
    try {
      const answer = await discover(address, AbortSignal.timeout(20_000));
      setFound(answer);
      choose(0);
      const first = answer.candidates[0];
      if (first) props.take(answer.address, first);
      else props.takeAddress(address);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error)));
      props.takeAddress(address);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void look(event)} aria-busy={busy}>
      <TextField label="E-mail address" type="email" name="address" required autofocus autocomplete="off" value={address} wrong={problem?.about("/address") ?? null} hint="Its mail server is looked up; nothing is sent to it yet." onText={setAddress} />
      <button type="submit" disabled={busy}>
        {busy ? "Looking …" : "Find the mail server"}
      </button>
      {problem && problem.about("/address") === null && <Problem problem={problem} />}
      {found && (
        <>
          {found.provider && (
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
          {found.candidates.length === 0 && <p>No mail server was found for this address: fill in below what you know of it.</p>}
          {found.candidates.length > 0 && (
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
        </>
      )}
    </form>
  );
}
