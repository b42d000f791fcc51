import { afterRestore, beforeSnapshot } from "zygo";

const events: string[] = [];
beforeSnapshot(() => void events.push("before 1"));
beforeSnapshot(async () => void events.push("before 2"));
afterRestore(() => void events.push("after 1"));
afterRestore(async () => void events.push("after 2"));
events.push("loaded");

export const handler = () => events;
