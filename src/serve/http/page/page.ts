/** A page on which one drops a picture and sees what the model says. */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { script } from './script.ts';
import { style } from './style.ts';

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>lm-resnet</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<h1 id="name">lm-resnet</h1>
<p id="facts"></p>
<div class="drop" id="drop">
<label for="file">Drop or paste a picture, or choose one:</label>
<input type="file" id="file" accept="image/*">
<img id="picture" alt="" hidden>
</div>
<form id="key" hidden>
<label for="secret">API key</label>
<input type="password" id="secret" autocomplete="off" required>
<button>Use it</button>
</form>
<div role="alert" id="error" hidden></div>
<div aria-live="polite">
<p id="state"></p>
<ol id="guesses" aria-label="Guesses, best first"></ol>
</div>
</main>
<script>${script}</script>
</body>
</html>
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The page runs its own script and style alone, and talks to its own service alone. */
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  'img-src blob: data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Adds `GET /`. */
export function addPage(app: FastifyInstance): void {
  app.get('/', { config: { open: true }, schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(html),
  );
}
