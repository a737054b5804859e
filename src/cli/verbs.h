/* verbs.h: the verbs, each defined in its cmd_….c. */
#ifndef PERDURE_CLI_VERBS_H
#define PERDURE_CLI_VERBS_H

struct cli_verb;

extern const struct cli_verb verb_init, verb_config_check;
extern const struct cli_verb verb_account_register, verb_account_show, verb_account_list, verb_account_deactivate;
extern const struct cli_verb verb_account_export, verb_account_import, verb_account_rollover;
extern const struct cli_verb verb_ca_list, verb_ca_probe;
extern const struct cli_verb verb_record_show, verb_record_plan, verb_record_apply, verb_record_export,
	verb_record_template, verb_record_judge, verb_record_prune, verb_record_rotate;
extern const struct cli_verb verb_check, verb_deploy, verb_issue, verb_renew, verb_status, verb_delete, verb_doctor;
extern const struct cli_verb verb_audit;
extern const struct cli_verb verb_events_show, verb_events_verify, verb_events_key;
extern const struct cli_verb verb_run, verb_control_status, verb_control_renew, verb_control_reload, verb_control_stop;
extern const struct cli_verb verb_notify_test;
extern const struct cli_verb verb_provider_list, verb_provider_test, verb_provider_policy, verb_provider_register;
extern const struct cli_verb verb_migrate_certbot, verb_migrate_acmesh, verb_migrate_lego, verb_migrate_dehydrated,
	verb_migrate_dns01;

#endif
