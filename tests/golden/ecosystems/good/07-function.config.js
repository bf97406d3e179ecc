module.exports = async () => {
  const count = await Promise.resolve(3);
  return { apps: { name: 'made', script: 'app.js', instances: count } };
};
