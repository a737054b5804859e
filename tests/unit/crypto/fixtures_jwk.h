/* fixtures_jwk.h: a private key made for these tests, as JWK with the members in the order of certbot, and as PEM. */
#ifndef PERDURE_TESTS_FIXTURES_JWK_H
#define PERDURE_TESTS_FIXTURES_JWK_H

#define PRIVATE_RSA_JWK                                                                                                \
	"{\"n\": \"r_A_Q7LXi2SOU9drlNnrtCiqwYebEv2hodVR9Cb-VPMOdmQ5256anaAYAcugGcL_frTgfS1qIpiewX95"                   \
	"wc83T9d0JfNWjymn9qLyFQhS7sOR4iexie1sO6pStBVhaljG7DNm-eHbS2Hi6sh0UG63rDJ148QH4wuDelCQWGKG2f"                   \
	"OTWRGFWsRpkYZhn8Vt-ihJdd4MvvluTUp_wGBkt97hgCKoSFT7ukFZfqeybMaRsS4xD6-r9oJR8D0NmR8T8rk_Wveo"                   \
	"o6XWTuQNOCuzmvYDBzuq7QbH6iqC5zTYMbYdfNOlY3es5FEsgTEgRvjxKHlmkvGbG4l5CUBmKaRky3H44w\", \"e\""                  \
	": \"AQAB\", \"d\": \"Nqp0Tcmk1WfiHUTi5XYsmWbFX6qN0YHDFfCdLTpsbeKzjK-ploaaTf2vV-d4EGkZT7pNw"                   \
	"jc5MhSvxzmfkEudSQ6NxTjtnT_5M1X_1-8lLZDQpC9nJ48AwS0z00aNZSi-bieuiFfX9n0sr3ynP1KXeUaYgLOpK6-"                   \
	"pI3ki0IOUmOVkYo8phHATX0CNJ-Q_u9o5Sesc2aSe1Us2QfKe7_P_ha-LbXgzvdaTD3RGqvaKvYELQOe5RBZB5ICsI"                   \
	"4VDXPNKi603S_ozfYjAAROkAJA_DtmtpKAJbBsnxDmxU8Y0VhvNuo2cEeC3UCBmVlWoKRBghJ9RMmqZV-cnRGdpR4E"                   \
	"-UQ\", \"p\": \"6LJJUW8c5oxiYfbwl84jPMolki45TnZurv23xoOEGMnRwvcxqHNcAN_wTOvi5hb37YqoD-4VdL"                   \
	"8qMp0klNZMy6b967wXBEMJ9-1zC4ihtUqFmcW_QEvq3kC-fOy_4bcGoLJOradUuiMrApPiWNAYN2YGh-1bR0zZRV2h"                   \
	"8WPr5Fk\", \"q\": \"wY7WomGvCDobTnEIVeNHmlp5-X5dVDomfDNHUEO7FAV3pATLQc01kXgqvc4QqylrmLHCs4"                   \
	"HDC0urJHObXfTaFadUzvr5n_NvNA6rkXo7d2yRs_4PeK5YiXcV_8dDGKFnVuhCGFnAzbqLJSuqKCud_9rqEkqIT-bq"                   \
	"HJ22K0F5j5s\", \"dp\": \"zJ5CBJ7dXgoiVRzNUeANcl4bjaCh-dIA4FXw7VompZmKn5O5EfRm-cnxx-JBQqz91"                   \
	"N7xjBiCu4eCNsGiMlMDcq1kaY-a-b9tm5ssZ_78m6ttMdwGoiZf4JI0LywMSxIjfNlugBs9UPSt1HVwO0K5mLVZltt"                   \
	"sQZVdFTcRuW9xNfk\", \"dq\": \"bfqxbja-85fAqEOFjvfDWasLH35znUYlU_D3Fl5F0EyC_IlUzKDDTVLQRmTu"                   \
	"B7NTVcG7da_HmYV3SxD9ONfFiwQ3Jhxo9j-l8hhb2B9x5puj9nfnZpT57bHiqCEauMYNJ850r81fxgW2xnoXBxgxgI"                   \
	"1s7tO2vF_iqjvapJ1hav0\", \"qi\": \"majJLj8FcnKrEE0NHhDSZRUNOIcPuRMGnEuE_jw8eWd7GCCUTO6JT5N"                   \
	"Gl5aMGh3qpD_lFumdDidnrcVvboW9mHbwWoCc0jNiSBhghP76iD0D1v0mDyjExrmugWEehZlJ_hnyACHZhEtmd0FNJ"                   \
	"8QVGXZHoB7IvIZMMFEdn1UG_3w\", \"kty\": \"RSA\"}"

#define PRIVATE_RSA_PEM                                                                                                \
	"-----BEGIN PRIVATE KEY-----\n"                                                                                \
	"MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCv8D9DsteLZI5T\n"                                           \
	"12uU2eu0KKrBh5sS/aGh1VH0Jv5U8w52ZDnbnpqdoBgBy6AZwv9+tOB9LWoimJ7B\n"                                           \
	"f3nBzzdP13Ql81aPKaf2ovIVCFLuw5HiJ7GJ7Ww7qlK0FWFqWMbsM2b54dtLYeLq\n"                                           \
	"yHRQbresMnXjxAfjC4N6UJBYYobZ85NZEYVaxGmRhmGfxW36KEl13gy++W5NSn/A\n"                                           \
	"YGS33uGAIqhIVPu6QVl+p7JsxpGxLjEPr6v2glHwPQ2ZHxPyuT9a96ijpdZO5A04\n"                                           \
	"K7Oa9gMHO6rtBsfqKoLnNNgxth1806Vjd6zkUSyBMSBG+PEoeWaS8ZsbiXkJQGYp\n"                                           \
	"pGTLcfjjAgMBAAECggEANqp0Tcmk1WfiHUTi5XYsmWbFX6qN0YHDFfCdLTpsbeKz\n"                                           \
	"jK+ploaaTf2vV+d4EGkZT7pNwjc5MhSvxzmfkEudSQ6NxTjtnT/5M1X/1+8lLZDQ\n"                                           \
	"pC9nJ48AwS0z00aNZSi+bieuiFfX9n0sr3ynP1KXeUaYgLOpK6+pI3ki0IOUmOVk\n"                                           \
	"Yo8phHATX0CNJ+Q/u9o5Sesc2aSe1Us2QfKe7/P/ha+LbXgzvdaTD3RGqvaKvYEL\n"                                           \
	"QOe5RBZB5ICsI4VDXPNKi603S/ozfYjAAROkAJA/DtmtpKAJbBsnxDmxU8Y0VhvN\n"                                           \
	"uo2cEeC3UCBmVlWoKRBghJ9RMmqZV+cnRGdpR4E+UQKBgQDosklRbxzmjGJh9vCX\n"                                           \
	"ziM8yiWSLjlOdm6u/bfGg4QYydHC9zGoc1wA3/BM6+LmFvftiqgP7hV0vyoynSSU\n"                                           \
	"1kzLpv3rvBcEQwn37XMLiKG1SoWZxb9AS+reQL587L/htwagsk6tp1S6IysCk+JY\n"                                           \
	"0Bg3ZgaH7VtHTNlFXaHxY+vkWQKBgQDBjtaiYa8IOhtOcQhV40eaWnn5fl1UOiZ8\n"                                           \
	"M0dQQ7sUBXekBMtBzTWReCq9zhCrKWuYscKzgcMLS6skc5td9NoVp1TO+vmf8280\n"                                           \
	"DquRejt3bJGz/g94rliJdxX/x0MYoWdW6EIYWcDNuoslK6ooK53/2uoSSohP5uoc\n"                                           \
	"nbYrQXmPmwKBgQDMnkIEnt1eCiJVHM1R4A1yXhuNoKH50gDgVfDtWialmYqfk7kR\n"                                           \
	"9Gb5yfHH4kFCrP3U3vGMGIK7h4I2waIyUwNyrWRpj5r5v22bmyxn/vybq20x3Aai\n"                                           \
	"Jl/gkjQvLAxLEiN82W6AGz1Q9K3UdXA7QrmYtVmW22xBlV0VNxG5b3E1+QKBgG36\n"                                           \
	"sW42vvOXwKhDhY73w1mrCx9+c51GJVPw9xZeRdBMgvyJVMygw01S0EZk7gezU1XB\n"                                           \
	"u3Wvx5mFd0sQ/TjXxYsENyYcaPY/pfIYW9gfceabo/Z352aU+e2x4qghGrjGDSfO\n"                                           \
	"dK/NX8YFtsZ6FwcYMYCNbO7Ttrxf4qo72qSdYWr9AoGBAJmoyS4/BXJyqxBNDR4Q\n"                                           \
	"0mUVDTiHD7kTBpxLhP48PHlnexgglEzuiU+TRpeWjBod6qQ/5RbpnQ4nZ63Fb26F\n"                                           \
	"vZh28FqAnNIzYkgYYIT++og9A9b9Jg8oxMa5roFhHoWZSf4Z8gAh2YRLZndBTSfE\n"                                           \
	"FRl2R6AeyLyGTDBRHZ9VBv98\n"                                                                                   \
	"-----END PRIVATE KEY-----\n"

#endif
