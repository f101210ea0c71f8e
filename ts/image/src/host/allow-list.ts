/**
 * What of the host's /etc a `host:` container sees, as copies. SECURITY: an allow-list; keys,
 * shadow files, credentials of package managers, host names, network configuration and everything
 * unknown stay out. Of what is listed only files that every user may read are copied.
 */

/** One entry, relative to /etc; a `*` at its end stands for any rest of the name. */
export interface AllowedEntry {
  path: string;
  reason: string;
}

export const ALLOWED_ETC: readonly AllowedEntry[] = [
  { path: 'alternatives', reason: 'links in /usr/bin go through it' },
  { path: 'bash.bashrc', reason: 'interactive shells' },
  { path: 'ca-certificates.conf', reason: 'names the certificates in ssl/certs' },
  { path: 'crypto-policies/back-ends', reason: 'TLS libraries on Fedora and its kin read it' },
  { path: 'debian_version', reason: 'scripts ask which system this is' },
  { path: 'default/locale', reason: 'the locale of the system' },
  { path: 'fonts', reason: 'fontconfig: browsers without a screen draw text' },
  { path: 'gai.conf', reason: 'order of addresses' },
  { path: 'group', reason: 'names of groups; every user of the host may read it' },
  { path: 'host.conf', reason: 'host name resolution' },
  { path: 'inputrc', reason: 'line editing' },
  { path: 'java*', reason: 'a JDK of the distribution keeps its configuration there' },
  { path: 'ld.so.cache', reason: 'the loader finds libraries by it' },
  { path: 'ld.so.conf', reason: 'ldconfig finds libraries by it' },
  { path: 'ld.so.conf.d', reason: 'ldconfig finds libraries by it' },
  { path: 'locale.alias', reason: 'names of locales' },
  { path: 'locale.conf', reason: 'the locale of the system' },
  { path: 'localtime', reason: 'time zone' },
  { path: 'login.defs', reason: 'useradd and su' },
  { path: 'lsb-release', reason: 'scripts ask which system this is' },
  { path: 'magic', reason: 'file(1)' },
  { path: 'mime.types', reason: 'types of files' },
  { path: 'nsswitch.conf', reason: 'where names are looked up' },
  { path: 'os-release', reason: 'scripts ask which system this is' },
  { path: 'passwd', reason: 'names of users; every user may read it, and it holds no passwords' },
  { path: 'perl', reason: 'Perl of the distribution' },
  { path: 'pki/ca-trust/extracted', reason: 'certificates on Fedora and its kin; public' },
  { path: 'pki/tls/cert.pem', reason: 'certificates on Fedora and its kin; public' },
  { path: 'pki/tls/certs', reason: 'certificates on Fedora and its kin; public' },
  { path: 'pki/tls/openssl.cnf', reason: 'OpenSSL on Fedora and its kin' },
  { path: 'profile', reason: 'login shells' },
  { path: 'profile.d', reason: 'login shells' },
  { path: 'protocols', reason: 'names of protocols' },
  { path: 'python3*', reason: 'Python of the distribution (sitecustomize)' },
  { path: 'redhat-release', reason: 'scripts ask which system this is' },
  { path: 'rpc', reason: 'names of services' },
  { path: 'services', reason: 'names of ports' },
  { path: 'shells', reason: 'which programs are shells' },
  { path: 'skel', reason: 'a new home starts from it' },
  { path: 'ssl/cert.pem', reason: 'certificates of authorities; public' },
  { path: 'ssl/certs', reason: 'certificates of authorities; public' },
  { path: 'ssl/openssl.cnf', reason: 'OpenSSL reads it at its start' },
  { path: 'terminfo', reason: 'terminals' },
  { path: 'timezone', reason: 'time zone' },
  { path: 'xattr.conf', reason: 'cp and install copy attributes by it' },
];
