const fs = require('fs');
const bcrypt = require('bcrypt');

fs.mkdirSync('keys', { recursive: true });

async function keep(name, secret) {
  fs.writeFileSync(`keys/${encodeURIComponent(name)}`, await bcrypt.hash(secret, 8));
}

async function opens(name, secret) {
  const hash = fs.readFileSync(`keys/${encodeURIComponent(name)}`, 'utf8');
  return bcrypt.compare(secret, hash);
}

module.exports = { keep, opens };
