// Download a URL into a file with undici's fetch and ProxyAgent, or print the error.
//
//     node fetch_undici.mjs UNDICI URL FILE

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [package_, url, file] = process.argv.slice(2);
const { fetch, ProxyAgent } = createRequire(import.meta.url)(package_);
const proxy = new URL(process.env.HTTPS_PROXY);
const token = proxy.username
  ? `Basic ${btoa(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`)}`
  : undefined;
proxy.username = proxy.password = "";
const dispatcher = new ProxyAgent({ uri: proxy.href, token });
try {
  const answer = await fetch(url, { dispatcher });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
} catch (error) {
  for (let why = error; why; why = why.cause) console.error(why.message);
  process.exitCode = 1;
}
