// What a user's CommonJS module does: require() of an ES module, as Node 20.19 and newer have it.
const { Model, isLmError } = require('lm-resnet');

const [, , picture, checkpoint] = process.argv;
Model.load(checkpoint).then(async (model) => {
  const [guess] = await model.predict(picture);
  if (!(guess.probability > 0)) throw new Error('the installed package does not work');
  await model.close();
  const code = await Model.load('no-such.safetensors').catch((error) => isLmError(error) && error.code);
  if (code !== 'ERR_FILE' && code !== 'ERR_CHECKPOINT') throw new Error(`unexpected: ${code}`);
});
