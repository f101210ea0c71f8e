/**
 * What of the host's /etc a `host:` container sees, as copies. SECURITY: an allow-list; keys,
 * shadow files, host names, network configuration and everything unknown stay out.
 */

/** One entry, relative to /etc. */
export interface AllowedEntry {
  path: string;
  reason: string;
}

export const ALLOWED_ETC: readonly AllowedEntry[] = [
  { path: 'alternatives', reason: 'links in /usr/bin go through it' },
  { path: 'bash.bashrc', reason: 'interactive shells' },
  { path: 'ca-certificates.conf', reason: 'names the certificates below' },
  { path: 'ssl/certs', reason: 'certificates of authorities; public' },
  { path: 'ssl/openssl.cnf', reason: 'OpenSSL refuses to start without it' },
  { path: 'pki/tls/certs', reason: 'certificates on Fedora and its kin' },
  { path: 'pki/ca-trust/extracted', reason: 'certificates on Fedora and its kin' },
  { path: 'debian_version', reason: 'scripts ask which system this is' },
  { path: 'os-release', reason: 'scripts ask which system this is' },
  { path: 'lsb-release', reason: 'scripts ask which system this is' },
  { path: 'redhat-release', reason: 'scripts ask which system this is' },
  { path: 'environment', reason: 'the locale of the system' },
  { path: 'gai.conf', reason: 'order of addresses' },
  { path: 'group', reason: 'names of groups; world-readable on every system' },
  { path: 'passwd', reason: 'names of users; world-readable on every system, no passwords' },
  { path: 'host.conf', reason: 'host name resolution' },
  { path: 'inputrc', reason: 'line editing' },
  { path: 'java', reason: 'a JDK of the distribution keeps its configuration there' },
  { path: 'ld.so.cache', reason: 'the loader finds libraries by it' },
  { path: 'ld.so.conf', reason: 'the loader finds libraries by it' },
  { path: 'ld.so.conf.d', reason: 'the loader finds libraries by it' },
  { path: 'locale.alias', reason: 'locales' },
  { path: 'locale.conf', reason: 'locales' },
  { path: 'default/locale', reason: 'locales' },
  { path: 'localtime', reason: 'time zone' },
  { path: 'timezone', reason: 'time zone' },
  { path: 'magic', reason: 'file(1)' },
  { path: 'mime.types', reason: 'types of files' },
  { path: 'nsswitch.conf', reason: 'where names are looked up' },
  { path: 'perl', reason: 'Perl of the distribution' },
  { path: 'profile', reason: 'login shells' },
  { path: 'profile.d', reason: 'login shells' },
  { path: 'protocols', reason: 'names of protocols' },
  { path: 'services', reason: 'names of ports' },
  { path: 'rpc', reason: 'names of services' },
  { path: 'shells', reason: 'which programs are shells' },
  { path: 'skel', reason: 'a new home starts from it' },
  { path: 'terminfo', reason: 'terminals' },
  { path: 'python3', reason: 'Python of the distribution' },
  { path: 'python3.11', reason: 'Python of the distribution (sitecustomize)' },
  { path: 'python3.12', reason: 'Python of the distribution (sitecustomize)' },
  { path: 'python3.13', reason: 'Python of the distribution (sitecustomize)' },
];
