// The frame: who is looking, where they are, and the page for that.

import { useEffect, useState } from "preact/hooks";

import { ApiError, setApiKey, whenRefused } from "./api/client";
import { whoami } from "./api/endpoints";
import { Failure, Waiting } from "./components/basics";
import { Frame } from "./components/frame";
import { useLoad } from "./lib/load";
import { usePlace } from "./lib/router";
import { Session } from "./lib/session";
import { Alerts } from "./pages/alerts";
import { DeadLetters } from "./pages/dead-letters";
import { FunctionPage } from "./pages/function/page";
import { Functions } from "./pages/functions";
import { Marketplace } from "./pages/marketplace";
import { NewFunction } from "./pages/new-function";
import { Overview } from "./pages/overview";
import { SignIn } from "./pages/sign-in";
import { Zygotes } from "./pages/zygotes";

export function App() {
  const [turn, setTurn] = useState(0);
  const [refused, setRefused] = useState(false);
  const { data: caller, error, reload } = useLoad(whoami, [turn]);
  useEffect(() => whenRefused(() => setRefused(true)), []);

  const again = () => {
    setRefused(false);
    setTurn((old) => old + 1);
  };
  const unknown = error instanceof ApiError && error.status === 401;
  if (refused || unknown) {
    return <SignIn error={error} done={again} />;
  }
  if (error) return <main class="alone"><Failure error={error} again={reload} /></main>;
  if (!caller) return <main class="alone"><Waiting what="the dashboard" /></main>;
  const signOut = () => {
    setApiKey(null);
    again();
  };
  return (
    <Session.Provider value={caller}>
      <Frame caller={caller} signOut={signOut}>
        <Page />
      </Frame>
    </Session.Provider>
  );
}

function Page() {
  const [first = "", second, third = ""] = usePlace().path;
  switch (first) {
    case "":
      return <Overview />;
    case "functions":
      if (second === undefined) return <Functions />;
      return <FunctionPage key={second} name={second} tab={third} />;
    case "new":
      return <NewFunction />;
    case "zygotes":
      return <Zygotes />;
    case "dead-letters":
      return <DeadLetters />;
    case "alerts":
      return <Alerts />;
    case "marketplace":
      return <Marketplace />;
    default:
      return (
        <div class="empty">
          <h1>Nothing here</h1>
          <p>There is no page at this address. <a href="#/">To the overview</a></p>
        </div>
      );
  }
}
