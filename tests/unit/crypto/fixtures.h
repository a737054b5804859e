/* fixtures.h: keys, requests and certificates made with other software, for these tests only. */
#ifndef PERDURE_TESTS_CRYPTO_FIXTURES_H
#define PERDURE_TESTS_CRYPTO_FIXTURES_H

/* The published key of RFC 7515 appendix A.2, as PKCS#8. */
__attribute__((unused)) static const char rfc7515_a2_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
	"jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
	"aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
	"juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
	"ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
	"toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
	"VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
	"PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
	"O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
	"kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
	"XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
	"4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
	"pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
	"0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
	"lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
	"kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
	"rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
	"kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
	"5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
	"9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
	"evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
	"yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
	"OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
	"tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
	"ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
	"03k2+ZQwVK0JKSHuLFkuQ3U=\n"
	"-----END PRIVATE KEY-----\n";

/* The published key of RFC 8037 appendix A.1, as PKCS#8. */
__attribute__((unused)) static const char rfc8037_a1_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	"-----END PRIVATE KEY-----\n";

/* openssl ecparam -genkey: parameters first, then SEC 1. */
__attribute__((unused)) static const char sec1_params_pem[] =
	"-----BEGIN EC PARAMETERS-----\n"
	"BggqhkjOPQMBBw==\n"
	"-----END EC PARAMETERS-----\n"
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEIFSEmqgQt0vIZJfcSqoJBSoDlb2vEDs139bJbA3HqZf4oAoGCCqGSM49\n"
	"AwEHoUQDQgAEdeL7f42eltTCPquwDPndUWelh8+nAJUvfPAEh6yQ4FB1/r/LGaGm\n"
	"WvDd0kZrvXZ0CCbM47i36vqdSWiBfA86gw==\n"
	"-----END EC PRIVATE KEY-----\n";

/* openssl genrsa -traditional 2048 */
__attribute__((unused)) static const char pkcs1_pem[] =
	"-----BEGIN RSA PRIVATE KEY-----\n"
	"MIIEowIBAAKCAQEAuXvwAyczfYWk7/26ZbDDX/fjizRPSVC8gm3WtXUgQ3f2fCtl\n"
	"Qw1jWpU/SMx+A6wJtFggtC3xzMUIHKF9bBXw8qwbJA5R5bDgYlzdkbdtg35htz9x\n"
	"HGFU0qyhEFGgi3c/lUNpK/Qx4Hm6/0FkHb/4sILedtkRvtotEfHbID+C1JGgQoFt\n"
	"0dIt1zpJO1QDYmfZIuR11z/+v6nrNizqgzpoPnrHGucIxPHjAX4kTN+sQBNYKxLd\n"
	"PYKz6gfAPJpEiG5qfugmijq7/Xx+jLR7xoFXUHAw12x/S4YU+TgaHfghMdhdvfnB\n"
	"dwa5BMusWAb+TdJvL29iicAzGgV4710dj/8NjwIDAQABAoIBAAGeJRyOupI9S8Ng\n"
	"5FlMTpS6f4+QdNVgEOTXITV5jT7i/8SOR4nRxt+pYZRSKqv/7VQkJW55rOkEs7dp\n"
	"AsQ7xMHSr0HqctuczIUCTled0L5O23qGFFR51nJbJkrgJPuFnlZZvV19LPPKQmlF\n"
	"IFYDsJ8v5QTTi9lGsEUk/0ZFISNj35BaTFlXbRgKoZVypx39WldIOt5KqBwC5V6r\n"
	"BtDJR15Tx2RRrk8f0kxh/zdCMjlq7BPs1pHudgz9iuieId26DwceAIYM4/EDfJky\n"
	"2A9lADwoTfaZnFApqVCVelZRvvEdsvq/ryvqgB504CI0PCyVZHrgJ5J5H+BtogCE\n"
	"kDoWfeECgYEA3S6U7jInZ/tN3H6tUmWTaDtzB6exvA2aOKh1PBBuzzcuNwH/mWJ1\n"
	"SJYLRzUX3C2RoGJ8+pclJcuKRn+ED7kwL9S7+meP3moBLWZ8Ss7CJQQ/JmceSKew\n"
	"3ifhhd9bF6P4EUSBD/WkQBom1jd5CI/zV/ISfn93gu6DlcbUftxtxDcCgYEA1q7E\n"
	"l8pnk8HkLDV4ChgHWYKB2C+W2+y6s3cljNpMsWPDGrZuOuR9CnlKMrMvO43IhwjY\n"
	"1+ooiStkQtka05ijG9zEm4p59lddksSnxekefTMMcN0PGm+2dLFGOPiHsQc6uY2Y\n"
	"y9b7/CkULiRUpJSA68Qnqbc0003DzLKU052/hWkCgYA8KwPQmEwn+TEBHmS/2Wn0\n"
	"HNf56SBsa7bcWtcpc77xF622wRBrBWGqUUbYJBVNjAflfWVKNfuhAHGpI98k99en\n"
	"61MHl0yH0IZpd0uwffZKY5FaPQr78MIobOjopg39rFk7OUtyr/vyhCq0c3q1XZNx\n"
	"BSUKzFoSgBfDkscTi5tAmQKBgQCM+Mh5kFzBhxGpAhdoMW0qFuvipSVgFyxmSrfq\n"
	"rTKtTYBBm0f4/i8p4Imbj1RVu/3Qxjt2VPn3UPoOd3gJOHLrCeZE6QK7g5Ubmm09\n"
	"JZ5ywkHKHy8awf7C0+Hz6SdZVRD35YZPXEWtyN/KiOrYA/hAWVdeN8LFeow3b5ER\n"
	"AMZR+QKBgEV9DBkS+yP1N1bksQjs/rLEaqhAvNTws5y2qcxXVtpFsLBLU0yzzIVD\n"
	"k8Cx7xvcYyuVqvBri3iHdyRB3BoMKPv+T6F6Hlf4dyn0mYiWSUkkS8IJpAneNfBv\n"
	"4MQOFYTvgjIcWUgLOkYXzmxcogyi5sL8/3HAz8gb4IgP00XpBeut\n"
	"-----END RSA PRIVATE KEY-----\n";

/* openssl genrsa 1024 */
__attribute__((unused)) static const char rsa1024_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIICeQIBADANBgkqhkiG9w0BAQEFAASCAmMwggJfAgEAAoGBANJIv13GxM6xk7IZ\n"
	"3UnTgzQ/iDhfI5WUDxCNpgyXZl2JgPf0+JMmP4FdZzkWsJxPdsl/v35HyfH1yKoh\n"
	"zBd7P1A42kHx7z3OMO46qrBC3bbVzRcoH0n40MpHKsx+o8MfcXMI2YGnxlr9gXBb\n"
	"TjlohIdEjWlFHvMDhYU3HlDMGOGpAgMBAAECgYEAytmKYPgBmjIK+9+fbDwxcRFo\n"
	"YpjERuKQtbMu3y6dfNXMJ2WU9L4MvMpRbOzKab7uI+qr2zF9SX+DlzsLGgu2Qfd1\n"
	"Z8lEP2ue4ujSMqrslS25kfifZUkpKwC66SPOVDPCiXXEgtNhGKCUB8lAwGV/2Mdo\n"
	"WP5Vu4fb1co9Tvd4YhECQQD9YvWaJ5aO2hWxGadziOyU1A0cJVWBNbdJeCTVdKJ+\n"
	"rPBb06WFr2sofGiYFdn0t6F9L1QdeRapi7dt2blL3ZBPAkEA1HP7Ffxjp/s5G4RS\n"
	"TyXhx39RJP7vnzb1FTmWg1U5RaFCjJJOIYXjmKY1kEsbSNgIO9KCCgcqziVqssHX\n"
	"aae4hwJBAOh1TRSrlPhhIt1ix7i6uTCgiZZ0ucjcWtZQHpqlch380lWsCYJnuEtg\n"
	"NySvh1F21fRe4zBW0m+g+hsRT2lGTwkCQQCZvFO1VS3IIMLyZo4pOABpnHfbjZ9Y\n"
	"VyyCb2m7H7CR8l912WkwWPKZQ6z+/VqBG9LZdzsiho0zH2BWem6mxfeBAkEAgZap\n"
	"QoDmJt8bYK3rSLMWiob4ZC61q2C2DcRWdN0dRlJtLyahY9uq3x11FlHZtt3NzqUH\n"
	"mSNCRnP0BV1eAaAgag==\n"
	"-----END PRIVATE KEY-----\n";

/* RSA that may only sign with PSS. */
__attribute__((unused)) static const char rsapss_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIIEuwIBADALBgkqhkiG9w0BAQoEggSnMIIEowIBAAKCAQEAx0JaTZO/p26WQjsU\n"
	"2yc4IWxu2+vNUWhIujRIz/8GLa1fRMH+GEFwLWUoWgm9u9Mm++PWGEJ07gE/A+4A\n"
	"nSKtUc8yaqJ3SIYqV9A5SMgYmUdQNwIKjSQECex/im996MxdADBcLAfb63JBpfkD\n"
	"PLXd99ug/zoveYhnPnxFlT5rdwR0x86zsvTfFqhg1SC9wmU17OTW3IKjyCtOsHG8\n"
	"mfaonFS41IrI1fDlaOjqbJuCGtBNNIMuT59nozFAgYvsP6LqyOQrwSLRbw2OaWI/\n"
	"i3mh4Wk5PndcLlRyvHAvpTfekoQfvsWj42K89YPl3EnjQzO1B2hzEHZbj8Chizti\n"
	"QEzz6wIDAQABAoIBABB9WbrEyN4CxVWKzSGLv9XoQs5ZV77uaeJa9FGeMbUy/UjT\n"
	"4wK/25guIGY/GyABi97Zjnyod0PA/6WEGzHlzkEQbAQuGL/8NmHY/fybbom0wJsk\n"
	"xJnEir8FftKGgn1y+BlNZztPlTAJXwxsrItoI4vg9ZRZjNc6ZgziPOHqbftF0jsu\n"
	"sWEa0VtR45I8BaHLNllHtxZAgvSZF6rA0QlWgNOac4mX/1ZcOnX3MFShMBF2LuX/\n"
	"m0SMX8VyZ2+kGGPUKBnvQ4XaJ7V4Ih0sZsDocS/AUpdOydbeUY+pZdYpnBLGsrvO\n"
	"AQXlCPDZIL5Dzsk6bmmSY3HjwpVugp2yoqmy/T0CgYEA6YeW2FM0eLanzxQiEljT\n"
	"zdLUPASJ9tTZfJ1KeNu77gYZ+mvHR2R6j7j0/LwcYu3I1rgCZg4Z3CoZcwpjErWc\n"
	"gV+yO40nS2IAu7fHsE4eHbNizQY9jjLtNZknI5Mo3CURfF5G6jLLMQK8DqaDRN1r\n"
	"pHt88MhjvzUiFPpavPcHc00CgYEA2m6ZBPHnObEbdL4QWmAQa6RvOj8OTtMUEWFG\n"
	"AMee6EX5FER8wMuFQk0/FWsh43VUqxWaPDNIl4qk0vZeEYxD0ymk2oId9GE3/D2a\n"
	"qEoRtihWOaL0h1xHJRDUz/S5ojAkqPhhO3PvR4LQc2IGewql1ihVSaxX+a/WjU+0\n"
	"C90r+BcCgYEAsavD+z+Ki1DEaUszBOxp8I03hZYadR3JfgKZd0wONfCUcS7wxYNP\n"
	"r+sTEPn5StcIVzxWLtkJmbS5+glsCP79XHy3OJGS1MpyLl+LYLp+NTCWuc/Go1ph\n"
	"mMa1vV4n1x2oqQt9Po94gghHlYngE1O2osSE8Rg0s3O0Q2uZ/2yeUX0CgYAvKU30\n"
	"mV45QJoS/K5/NNqWwywYwWCPeFeO4RfCN1eCAwmibJ8a6VZeWFtUfosUl1Kulb11\n"
	"XgVAYvjva64nz8cdIpKrcwiQqSTzW0G3MDbew5rKWvq89xmNUTMBq28hK4/ew7IK\n"
	"qh9xqzbikrmfe08PDCpN+94K1QJYBGt1XE2QBQKBgFvoNHt+qtWJWhdk/PucVtgT\n"
	"Q5BZQVWfeDJsEVc/0z1nrJr2Te6f2gD2k6IE+zsug2dhH7UfRVP0V8S/cVYhXKjF\n"
	"n28e+OLf06YwhuMrG+CtdQBwACDBaE2vU9i/psC1d4ALgt2ymJ4okx4n6BhYm5Pc\n"
	"JSSOl5wpIU98Oic6ngyy\n"
	"-----END PRIVATE KEY-----\n";

/* A curve we do not take. */
__attribute__((unused)) static const char p521_pem[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MIHcAgEBBEIBeQ2EPBrQ8pG6JeeB9mZmSE6q3eDrdIpJAWW4UPV0d4uutNau1XcA\n"
	"hM5ufzfKeo3rm2S9qA/jMCHRN7rzLH/azkagBwYFK4EEACOhgYkDgYYABADVVFlz\n"
	"idbqnWy4ax4gQPhQVUZrpKM8nHtfsf4AYz3MrBms4rUbJYU3U8W1tzlviCsMcZZT\n"
	"Kr+0lan/IoDkf57GjgD/XpkZVtoUmoBVNrMCPLvW30PHuJAO/CaJXsiFgNOjJPfR\n"
	"6QWHv7YfwpcJUuSqkNMnBMZSaVpOn6B4CXrsej5cAA==\n"
	"-----END EC PRIVATE KEY-----\n";

/* A key that cannot sign. */
__attribute__((unused)) static const char x25519_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VuBCIEIJgA+UtfmS8cJ2GqIjwQwDaYp+rGRuK75PDnWpQbEVpJ\n"
	"-----END PRIVATE KEY-----\n";

/* Encrypted in the old form. */
__attribute__((unused)) static const char encrypted_sec1_pem[] =
	"-----BEGIN EC PRIVATE KEY-----\n"
	"Proc-Type: 4,ENCRYPTED\n"
	"DEK-Info: AES-128-CBC,EB040BEE979DCB8C01C99BE5D3A86F0C\n"
	"\n"
	"QSpY7WbV+C9QGzhoLHRVCZqPajMVc8I/EJGgKMwga1ggFlvlz/0LFOvSNQhUzBrf\n"
	"1R2rVC2YoLGoMp53jevbq4QhhuGJCB+oPoLv1zQM+WzLk+qLRI2EG+4jGR2SVrrL\n"
	"n3KQkfC+wFrOiAmEN9yf+Iq2y5IX8BBc3zD5Dznho94=\n"
	"-----END EC PRIVATE KEY-----\n";

/* Encrypted PKCS#8. */
__attribute__((unused)) static const char encrypted_pkcs8_pem[] =
	"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	"MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiYNHsxqX7M4gICCAAw\n"
	"DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEG6mkEUOBtiTzLsdWWi9iqkEgZCD\n"
	"O6xP9140NMvdvJ0n2uYA+uZjXHvBBFT/vi2PR46wN8t3z+Z57kQi1s69o4tHL6IX\n"
	"akw5+3/s8lOjXXfb8X6Kj4nhie9RmDXPS5mdgKjTJJFBW6aBqwJjXJh/vZ5YYWc5\n"
	"417IwWMLCDmFRkee0zcAZk338OJ4B+/5dafPV4AJrbfmsGEmO3ok9A5P4KTY7nY=\n"
	"-----END ENCRYPTED PRIVATE KEY-----\n";

/* The private part of one key and the public part of another. */
__attribute__((unused)) static const char mismatch_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\n"
	"AAAAAAAAAAAAAAAAAAAAAAAAAAehRANCAARi2XedvumwU0BCdC06tUytwdI4mA/O\n"
	"l9u03Z3B22+zk61azL2R6dgkT/FddxFnzuCi7VH2u+dqeNpUCmoPCZV+\n"
	"-----END PRIVATE KEY-----\n";

#endif
