// What this browser keeps: the colours, and saved events. Nothing secret.

export function read<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`zygo.${name}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(`zygo.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still shows everything.
  }
}
