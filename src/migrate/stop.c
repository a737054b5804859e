/* stop.c: how the other client is kept from renewing, and what seems to start it on this host. */
#include <dirent.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "migrate/found.h"
#include "migrate/source.h"

/* What cron and systemd start is in these folders and files. */
static const char *const cron_files[] = {"/etc/crontab", "/etc/anacrontab"};
static const char *const cron_folders[] = {"/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly",
	"/var/spool/cron/crontabs", "/var/spool/cron"};

/* A line that is not a comment and has the word. */
static bool runs(const char *text, const char *word)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *p = text + strspn(text, " \t");
		const char *at = memmem(text, n, word, strlen(word));
		if (at && *p != '#')
			return true;
		text += n + (text[n] == '\n');
	}
	return false;
}

static void look_into(const char *path, const char *word, struct strv *ret)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	struct err ignored = {0};
	if (!fs_read_regular(path, &text, &ignored) && runs(buf_str(&text), word))
		strv_add(ret, path);
	err_done(&ignored);
}

/* Timers that are enabled have a link in some timers.target.wants. */
static void look_for_timers(const char *word, struct strv *ret)
{
	static const char dir[] = "/etc/systemd/system/timers.target.wants";
	AUTO(strv_done) struct strv units = {0};
	struct err ignored = {0};
	if (!source_list(dir, &units, &ignored))
		for (size_t i = 0; i < units.n; i++)
			if (strstr(units.v[i], word))
				strv_add_take(ret, xasprintf("%s/%s", dir, units.v[i]));
	err_done(&ignored);
}

void migrate_timers(enum migrate_client c, struct strv *ret)
{
	const char *word = migrate_client_name(c);
	for (size_t i = 0; i < ARRAY_LEN(cron_files); i++)
		look_into(cron_files[i], word, ret);
	for (size_t i = 0; i < ARRAY_LEN(cron_folders); i++) {
		AUTO(strv_done) struct strv files = {0};
		struct err ignored = {0};
		if (!source_list(cron_folders[i], &files, &ignored))
			for (size_t k = 0; k < files.n; k++) {
				AUTO(xfreep) char *path = xasprintf("%s/%s", cron_folders[i], files.v[k]);
				look_into(path, word, ret);
			}
		err_done(&ignored);
	}
	look_for_timers(word, ret);
}

void migrate_how_to_stop(enum migrate_client c, struct strv *ret)
{
	static const char *const how[MIGRATE_CLIENT_N_][3] = {
		[MIGRATE_CERTBOT] =
			{"systemctl disable --now certbot.timer (snap: snap.certbot.renew.timer), and remove "
			 "/etc/cron.d/certbot where cron runs it",
				"never \"certbot delete\" after --commit: it would empty the folders that are ours by "
				"then; move "
				"renewal/NAME.conf away instead"},
		[MIGRATE_ACMESH] = {"acme.sh --uninstall-cronjob, or remove its line from \"crontab -e\" of its user"},
		[MIGRATE_LEGO] = {"remove the cron line or disable the timer that runs \"lego renew\" or \"lego run\""},
		[MIGRATE_DEHYDRATED] = {"remove the cron line or disable the timer that runs \"dehydrated -c\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(how[c]) && how[c][i]; i++)
		strv_add(ret, how[c][i]);
}
