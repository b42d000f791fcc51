// Where short messages appear.

import { useEffect, useState } from "preact/hooks";

import { dismiss, listen, type Notice } from "../lib/notices";

export function Notices() {
  const [notices, setNotices] = useState<Notice[]>([]);
  useEffect(() => listen(setNotices), []);
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.map((notice) => (
        <div class="notice" key={notice.id}>
          <span class="wrap">{notice.text}</span>
          {notice.undo && (
            <button type="button" onClick={() => { notice.undo?.act(); dismiss(notice.id); }}>
              {notice.undo.label}
            </button>
          )}
          <button type="button" class="button-quiet" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>✕</button>
        </div>
      ))}
    </div>
  );
}
