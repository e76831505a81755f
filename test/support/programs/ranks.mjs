// One rank that joins the others, and then does as it is told: `node ranks.mjs DIST WHAT WHO`. Prints JSON.
const [dist, what, who] = process.argv.slice(2);
const { joinRanks } = await import(`${dist}/ranks/ranks.js`);
const isMeant = process.env.RANK === who;

/** Sums until the others are gone. */
async function sumForEver(ranks) {
  for (;;) await ranks.native.sum(new Float64Array(1000));
}

/** All have joined: who waits for a rank to come hears of its end by the timeout alone. */
async function together(ranks) {
  await ranks.native.sum(new Float64Array(1));
}

const acts = {
  async sum(ranks) {
    const sum = await ranks.native.sum(new Float64Array([1, ranks.rank, 0.5]));
    const told = await ranks.gather({ rank: ranks.rank, text: 'é'.repeat(ranks.rank) });
    return { sum: [...sum], told, bytes: ranks.traffic().bytes };
  },
  async agree(ranks) {
    await ranks.agree({ version: '1', settings: { lr: 0.1, batch: 8 } });
    await ranks.agree({ version: '1', settings: { lr: isMeant ? 0.2 : 0.1, batch: 8 } });
  },
  async die(ranks) {
    await together(ranks);
    if (isMeant) process.kill(process.pid, 'SIGKILL');
    await sumForEver(ranks);
  },
  async hang(ranks) {
    await together(ranks);
    if (isMeant) process.kill(process.pid, 'SIGSTOP');
    await sumForEver(ranks);
  },
  async fail(ranks) {
    await together(ranks);
    if (isMeant) {
      await ranks.abandon(new Error('the disk is full'));
      return { failed: true };
    }
    await sumForEver(ranks);
  },
  async failBeforeGathering(ranks) {
    await together(ranks);
    if (!isMeant) await ranks.gather('here');
    await ranks.abandon(new Error('the disk is full'));
  },
};

try {
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.DELAY ?? 0)));
  const ranks = await joinRanks({ timeout: Number(process.env.TIMEOUT ?? 60) });
  const found = await acts[what](ranks);
  await ranks.close();
  console.log(JSON.stringify(found ?? {}));
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
  process.exit(1); // whatever still waits
}
