/** Asks for work and waits for none of it: the process ends by itself when the last job has. */
import { chunk, model, trainer } from './net.mjs';

const mine = model();
mine.predict(new Uint8Array(64), 1, 8, 8);
trainer(mine)
  .run(chunk(3))
  .then(({ steps }) => console.log(`${steps} steps`));
mine.close();
