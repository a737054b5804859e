/* source.c: reading files of another client. */
#include "migrate/source.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "migrate/found.h"
#include "migrate/switch.h"

static int no_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_octets(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int source_list(const char *dir, struct strv *ret, struct err *e)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, no_dots, by_octets);
	if (n < 0)
		return err_sys(e, "read the folder %s", dir);
	for (int i = 0; i < n; i++) {
		strv_add(ret, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}

bool source_is_dir(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

void source_account_key(struct migrate_account *a, const char *path, bool jwk)
{
	AUTO(buf_wipe) struct buf text = buf_make(64 << 10);
	struct err e = {0};
	found_set(&a->key_file, path);
	if (fs_read_regular(path, &text, &e) ||
		(jwk ? jose_private_key_from_jwk(buf_str(&text), text.n, path, &a->key, &e)
		     : key_from_pem(buf_str(&text), text.n, path, &a->key, &e)))
		found_set_error(&a->problem, &e);
}

/* The chain's PEM: fullchain, or the leaf with what was issued it. */
static int read_chain(const struct source_pair *p, struct x509_chain **ret, struct err *e)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_CHAIN);
	struct err first = {0};
	if (!p->fullchain || fs_read_regular(p->fullchain, &text, &first)) {
		buf_clear(&text);
		if (!p->cert || fs_read_regular(p->cert, &text, e)) {
			if (err_is(&first))
				err_move(e, &first);
			return -1;
		}
		err_done(&first);
		buf_putc(&text, '\n');
		if (p->chain && fs_exists(p->chain) && fs_read_regular(p->chain, &text, e))
			return -1;
	}
	if (x509_chain_parse(buf_str(&text), text.n, ret, e))
		return err_ctx(e, "%s", p->fullchain ? p->fullchain : p->cert);
	return 0;
}

/* The names to renew for, and what of them the certificate has. */
static void settle_names(struct migrate_lineage *l, const struct x509_info *info)
{
	if (!l->names.n) {
		AUTO(xfreep) char *list = strv_join(&info->names, " ");
		found_names(l, list);
	} else if (!strv_same_set(&l->names, &info->names)) {
		AUTO(xfreep) char *has = strv_join(&info->names, " ");
		found_lineage_note(l, "the certificate has other names than it is configured for: %s", has);
	}
}

static int read_pair(struct migrate_lineage *l, const struct source_pair *p, struct err *e)
{
	AUTO(x509_chain_freep) struct x509_chain *chain = NULL;
	AUTO(key_freep) struct key *key = NULL;
	AUTO(buf_wipe) struct buf pem = buf_make(64 << 10);
	if (read_chain(p, &chain, e))
		return -1;
	settle_names(l, x509_chain_info(chain));
	if (fs_read_regular(p->key, &pem, e) || key_from_pem(buf_str(&pem), pem.n, p->key, &key, e))
		return -1;
	if (!l->key_type)
		l->key_type = key_type_name(key_type(key));
	if (x509_chain_check(chain, key, NULL, &x509_chain_info(chain)->names, clk_wall(clk_real()) / 1000, e))
		return -1;
	if (key_to_pem(key, &l->key_pem, e))
		return -1;
	l->chain = TAKE(chain);
	return 0;
}

void source_pair(struct migrate_lineage *l, const struct source_pair *p)
{
	struct err e = {0};
	if (read_pair(l, p, &e))
		found_set_error(&l->problem, &e);
}

char *source_place(struct migrate_lineage *l, const char *path, const char *file)
{
	l->places = xreallocarray(l->places, l->n_places + 1, sizeof(*l->places));
	l->places[l->n_places++] = (struct migrate_place){.path = xstrdup(path), .file = file};
	AUTO(xfreep) char *kept = switch_kept_name(path);
	if (switch_is_done(path)) {
		l->switched = true;
		return TAKE(kept);
	}
	return xstrdup(path);
}
