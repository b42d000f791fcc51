const hex = (buffer: ArrayBuffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (text: string) => new TextEncoder().encode(text);

export const handler = async () => {
  const key = await crypto.subtle.importKey("raw", bytes("key"), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  const signature = await crypto.subtle.sign("HMAC", key, bytes("message"));
  const aes = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, aes, bytes("secret"));
  const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, aes, sealed);
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]) as CryptoKeyPair;
  const ecdsa = { name: "ECDSA", hash: "SHA-256" };
  const signed = await crypto.subtle.sign(ecdsa, pair.privateKey, bytes("m"));
  return {
    digest: hex(await crypto.subtle.digest("SHA-256", bytes("abc"))),
    hmac: hex(signature),
    verified: await crypto.subtle.verify("HMAC", key, signature, bytes("message")),
    opened: new TextDecoder().decode(opened),
    ecdsa: await crypto.subtle.verify(ecdsa, pair.publicKey, signed, bytes("m")),
    uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()),
  };
};
