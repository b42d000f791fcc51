// The place in the dashboard: the fragment of the address, so that one page serves all places.

import { useEffect, useState } from "preact/hooks";

export interface Place {
  /** Decoded segments. */
  path: string[];
}

export function parse(hash: string): Place {
  const segments = hash.replace(/^#\/?/, "").split("/").filter(Boolean);
  return { path: segments.map(decode) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The address of a place. */
export function to(...path: string[]): string {
  return `#/${path.map(encodeURIComponent).join("/")}`;
}

export function go(...path: string[]): void {
  location.hash = to(...path);
}

export function usePlace(): Place {
  const [place, setPlace] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => setPlace(parse(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return place;
}
