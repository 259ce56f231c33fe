/** @type {import('next').NextConfig} */
const nextConfig = {
  reactStrictMode: true,
  poweredByHeader: false,
  generateBuildId: () => process.env.GIT_COMMIT || 'development',
};

module.exports = nextConfig;
