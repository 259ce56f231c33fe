module.exports = {
  apps: [
    {
      name: "tide-tables",
      script: "./dist/index.js",
      instances: 2,
      exec_mode: "cluster",
      env: { NODE_ENV: "production", PORT: 4100 },
    },
  ],
};
