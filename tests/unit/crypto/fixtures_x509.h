/* fixtures_x509.h: requests and certificates made with other software, for these tests only. */
#ifndef PERDURE_TESTS_CRYPTO_FIXTURES_X509_H
#define PERDURE_TESTS_CRYPTO_FIXTURES_X509_H

/* SHA-256 of the public key in the requests, from Python's hashlib. */
__attribute__((unused)) static const char csr_spki_sha256[] =
	"140983b6c2cb674ec9f2d6e7fb9432a3a81758396f68cac3f683835c17edf725";

/* CN ignored.example; SAN WWW.Example.ORG, *.example.org, www.example.org */
__attribute__((unused)) static const char csr_upper_pem[] =
	"-----BEGIN CERTIFICATE REQUEST-----\n"
	"MIIBIjCByQIBADAaMRgwFgYDVQQDDA9pZ25vcmVkLmV4YW1wbGUwWTATBgcqhkjO\n"
	"PQIBBggqhkjOPQMBBwNCAAT7UDiPKUmNCpOtJexMNAN7nTzDzKR4frb+2r4rMAPq\n"
	"yJ93ZcqdYojm/3NPXNCPOlkhz1SyG7OYtQrA0ld/oHRyoE0wSwYJKoZIhvcNAQkO\n"
	"MT4wPDA6BgNVHREEMzAxgg9XV1cuRXhhbXBsZS5PUkeCDSouZXhhbXBsZS5vcmeC\n"
	"D3d3dy5leGFtcGxlLm9yZzAKBggqhkjOPQQDAgNIADBFAiA019dz+bCXXM/XB7U7\n"
	"1JuI3uAJsRXeJqsNQ0xPv1mYgAIhAN2OafNbb1LEv7tJd1TJdIGqseQK3KJkoKHM\n"
	"o4caczCw\n"
	"-----END CERTIFICATE REQUEST-----\n";

/* CN Old.Example.org, no SAN */
__attribute__((unused)) static const char csr_cn_pem[] =
	"-----BEGIN CERTIFICATE REQUEST-----\n"
	"MIHUMHwCAQAwGjEYMBYGA1UEAwwPT2xkLkV4YW1wbGUub3JnMFkwEwYHKoZIzj0C\n"
	"AQYIKoZIzj0DAQcDQgAE+1A4jylJjQqTrSXsTDQDe508w8ykeH62/tq+KzAD6sif\n"
	"d2XKnWKI5v9zT1zQjzpZIc9UshuzmLUKwNJXf6B0cqAAMAoGCCqGSM49BAMCA0gA\n"
	"MEUCIBm8sRKYeDdfUO6/3qmUiX+KrCDWa1t1ZM1UKuB7DzPnAiEAsW/yRgK4cREk\n"
	"GHI3CXJFtp4nFbmjWgPbJRuGeeAX72Q=\n"
	"-----END CERTIFICATE REQUEST-----\n";

/* CN that is no DNS name */
__attribute__((unused)) static const char csr_cn_text_pem[] =
	"-----BEGIN CERTIFICATE REQUEST-----\n"
	"MIHaMIGBAgEAMB8xHTAbBgNVBAMMFEV4YW1wbGUgT3JnYW5pc2F0aW9uMFkwEwYH\n"
	"KoZIzj0CAQYIKoZIzj0DAQcDQgAE+1A4jylJjQqTrSXsTDQDe508w8ykeH62/tq+\n"
	"KzAD6sifd2XKnWKI5v9zT1zQjzpZIc9UshuzmLUKwNJXf6B0cqAAMAoGCCqGSM49\n"
	"BAMCA0gAMEUCIBrdkIF0b/AdPQAMZvX0UcuZDKsCAgMUHIdpqh9CW1JFAiEAzrTv\n"
	"STfVOV0GBq6sZIW0dbR8zXxUsx3YFUMLvaO+7XQ=\n"
	"-----END CERTIFICATE REQUEST-----\n";

/* No names at all */
__attribute__((unused)) static const char csr_nothing_pem[] =
	"-----BEGIN CERTIFICATE REQUEST-----\n"
	"MIG5MGICAQAwADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPtQOI8pSY0Kk60l\n"
	"7Ew0A3udPMPMpHh+tv7aviswA+rIn3dlyp1iiOb/c09c0I86WSHPVLIbs5i1CsDS\n"
	"V3+gdHKgADAKBggqhkjOPQQDAgNHADBEAiATpLkOW8IDhpQKmntGS8cHN7bmyB9J\n"
	"5Jbh0jtxgoQjZgIgAszA3hojFMIzznyWA4+XKdsGVREiHBficG+dOWQ3ilo=\n"
	"-----END CERTIFICATE REQUEST-----\n";

/* An IP address among the names */
__attribute__((unused)) static const char csr_ip_pem[] =
	"-----BEGIN CERTIFICATE REQUEST-----\n"
	"MIHnMIGPAgEAMAAwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT7UDiPKUmNCpOt\n"
	"JexMNAN7nTzDzKR4frb+2r4rMAPqyJ93ZcqdYojm/3NPXNCPOlkhz1SyG7OYtQrA\n"
	"0ld/oHRyoC0wKwYJKoZIhvcNAQkOMR4wHDAaBgNVHREEEzARgglhLmV4YW1wbGWH\n"
	"BMAAAgEwCgYIKoZIzj0EAwIDRwAwRAIgC+NGfTMH/MzaTnEVMr/iXAibFdcb2C4M\n"
	"dtq7isW8ApcCIDuul1nMXIowNuswqlry+1yzP0jLOswb2P5ZzrpE47wz\n"
	"-----END CERTIFICATE REQUEST-----\n";

/* A mail address */
__attribute__((unused)) static const char csr_mail_pem[] =
	"-----BEGIN CERTIFICATE REQUEST-----\n"
	"MIHmMIGNAgEAMAAwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT7UDiPKUmNCpOt\n"
	"JexMNAN7nTzDzKR4frb+2r4rMAPqyJ93ZcqdYojm/3NPXNCPOlkhz1SyG7OYtQrA\n"
	"0ld/oHRyoCswKQYJKoZIhvcNAQkOMRwwGjAYBgNVHREEETAPgQ1hQGV4YW1wbGUu\n"
	"b3JnMAoGCCqGSM49BAMCA0gAMEUCIQDLJhVSwq58wWVgC93DKjXMEqdSTT/KQTpc\n"
	"g/qoV/6ldAIgKPwT1R4rzRn+uG7fZ/w6fkTthJ8EozKSgVoDxMYSFmY=\n"
	"-----END CERTIFICATE REQUEST-----\n";

/* The name changed after signing */
__attribute__((unused)) static const char csr_tampered_pem[] =
	"-----BEGIN CERTIFICATE REQUEST-----\n"
	"MIH3MIGdAgEAMBQxEjAQBgNVBAMMCXguZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG\n"
	"SM49AwEHA0IABPtQOI8pSY0Kk60l7Ew0A3udPMPMpHh+tv7aviswA+rIn3dlyp1i\n"
	"iOb/c09c0I86WSHPVLIbs5i1CsDSV3+gdHKgJzAlBgkqhkiG9w0BCQ4xGDAWMBQG\n"
	"A1UdEQQNMAuCCWIuZXhhbXBsZTAKBggqhkjOPQQDAgNJADBGAiEA685CWfxvZNmr\n"
	"guy9keidVuwTCgTYvpVAUBHQ1e7Ga0cCIQDktkUO3pC6F8rSdfwhX2lXCeakriiC\n"
	"v1TjGG0vzhSjzA==\n"
	"-----END CERTIFICATE REQUEST-----\n";

/* Serial number and authority key identifier of the example in RFC 9773 section 4.1;
 * WWW.Example.com and *.example.com, 2026-01-02T03:04:05Z to 2026-04-02T03:04:04Z. */
__attribute__((unused)) static const char cert_ari_pem[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBaDCCAQ2gAwIBAgIFAIdlQyEwCgYIKoZIzj0EAwIwJjELMAkGA1UEBhMCWFgx\n"
	"FzAVBgNVBAMMDkV4YW1wbGUgw6kgQ0EKMB4XDTI2MDEwMjAzMDQwNVoXDTI2MDQw\n"
	"MjAzMDQwNFowADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPtQOI8pSY0Kk60l\n"
	"7Ew0A3udPMPMpHh+tv7aviswA+rIn3dlyp1iiOb/c09c0I86WSHPVLIbs5i1CsDS\n"
	"V3+gdHKjTjBMMCkGA1UdEQQiMCCCD1dXVy5FeGFtcGxlLmNvbYINKi5leGFtcGxl\n"
	"LmNvbTAfBgNVHSMEGDAWgBRpiFtrh0ZAQeGze4R7oK4s3gHI1DAKBggqhkjOPQQD\n"
	"AgNJADBGAiEAuNU3TYyPAulbAbcrB6Id0OB61dfkcFvc8qWLSJ2A3YUCIQC+4Lza\n"
	"8uQ+HIuXZWKWsPRUlPFPDqMN8kJAQIKrMpo2Xg==\n"
	"-----END CERTIFICATE-----\n";

__attribute__((unused)) static const char cert_ari_sha256[] =
	"2bd9b5a08c49cf33b924d35cc284f49c387e44c431d2eddfec81a5f24bbda103";

/* No authority key identifier */
__attribute__((unused)) static const char cert_no_aki_pem[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBKDCBz6ADAgECAgEBMAoGCCqGSM49BAMCMCIxCzAJBgNVBAYTAlhYMRMwEQYD\n"
	"VQQDDApFeGFtcGxlIENBMB4XDTI2MDEwMjAzMDQwNVoXDTI2MDQwMjAzMDQwNFow\n"
	"ADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPtQOI8pSY0Kk60l7Ew0A3udPMPM\n"
	"pHh+tv7aviswA+rIn3dlyp1iiOb/c09c0I86WSHPVLIbs5i1CsDSV3+gdHKjGDAW\n"
	"MBQGA1UdEQQNMAuCCWEuZXhhbXBsZTAKBggqhkjOPQQDAgNIADBFAiEAh8A6468k\n"
	"6MmLFQGeC8sabAnCm0WdcIHieDNBdYhKKUkCIEi256n+m2dbIBzmBxaP5KYdNSsw\n"
	"dM0BsBM3Io3p4U8z\n"
	"-----END CERTIFICATE-----\n";

/* No subjectAltName */
__attribute__((unused)) static const char cert_no_san_pem[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBNDCB2qADAgECAgEBMAoGCCqGSM49BAMCMCIxCzAJBgNVBAYTAlhYMRMwEQYD\n"
	"VQQDDApFeGFtcGxlIENBMB4XDTI2MDEwMjAzMDQwNVoXDTI2MDQwMjAzMDQwNFow\n"
	"ADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPtQOI8pSY0Kk60l7Ew0A3udPMPM\n"
	"pHh+tv7aviswA+rIn3dlyp1iiOb/c09c0I86WSHPVLIbs5i1CsDSV3+gdHKjIzAh\n"
	"MB8GA1UdIwQYMBaAFGmIW2uHRkBB4bN7hHugrizeAcjUMAoGCCqGSM49BAMCA0kA\n"
	"MEYCIQDmuqZ/82HszCf30YHsjIDPJ1BkRlIP1yFgkWhtfLAWogIhALgLXueY+EvM\n"
	"awm5YJaW9wUw+QuGKkYPBpw2C8dsGHGq\n"
	"-----END CERTIFICATE-----\n";

/* An IP address for a name */
__attribute__((unused)) static const char cert_ip_pem[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBQzCB66ADAgECAgEBMAoGCCqGSM49BAMCMCIxCzAJBgNVBAYTAlhYMRMwEQYD\n"
	"VQQDDApFeGFtcGxlIENBMB4XDTI2MDEwMjAzMDQwNVoXDTI2MDQwMjAzMDQwNFow\n"
	"ADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPtQOI8pSY0Kk60l7Ew0A3udPMPM\n"
	"pHh+tv7aviswA+rIn3dlyp1iiOb/c09c0I86WSHPVLIbs5i1CsDSV3+gdHKjNDAy\n"
	"MA8GA1UdEQQIMAaHBMAAAgEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
	"yNQwCgYIKoZIzj0EAwIDRwAwRAIgC94yg5SKjLCUXOqOJQozZbj4AUv1WSpENeHQ\n"
	"zJtBmo8CIG0dB7SZ0IVwSpTDfxu2NU05atfSAUjOqoQW1/p7vO9A\n"
	"-----END CERTIFICATE-----\n";

#endif
