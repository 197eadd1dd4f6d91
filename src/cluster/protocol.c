#include "cluster/protocol.h"

SLK_RECORD_TYPE(slk_store_report, "StoreReport", OBJECT, SLK_STORE_REPORT_ROWS);
SLK_RECORD_TYPE(slk_task_limit, "TaskLimit", OBJECT, SLK_TASK_LIMIT_ROWS);
SLK_RECORD_TYPE(slk_register, "Register", OBJECT, SLK_REGISTER_ROWS);
SLK_RECORD_TYPE(slk_registered, "Registered", OBJECT, SLK_REGISTERED_ROWS);
SLK_RECORD_TYPE(slk_job_progress, "JobProgress", OBJECT, SLK_JOB_PROGRESS_ROWS);
SLK_RECORD_TYPE(slk_beat, "Beat", OBJECT, SLK_BEAT_ROWS);
SLK_RECORD_TYPE(slk_file_source, "FileSource", OBJECT, SLK_FILE_SOURCE_ROWS);
SLK_RECORD_TYPE(slk_job_file, "JobFile", OBJECT, SLK_JOB_FILE_ROWS);
SLK_RECORD_TYPE(slk_assignment, "Assignment", OBJECT, SLK_ASSIGNMENT_ROWS);
SLK_RECORD_TYPE(slk_orders, "Orders", OBJECT, SLK_ORDERS_ROWS);
SLK_RECORD_TYPE(slk_held_file, "HeldFile", OBJECT, SLK_HELD_FILE_ROWS);
SLK_RECORD_TYPE(slk_job_done, "JobDone", OBJECT, SLK_JOB_DONE_ROWS);
SLK_RECORD_TYPE(slk_job_failed, "JobFailed", OBJECT, SLK_JOB_FAILED_ROWS);
SLK_RECORD_TYPE(slk_declared, "Declared", OBJECT, SLK_DECLARED_ROWS);
SLK_RECORD_TYPE(slk_declare, "Declare", OBJECT, SLK_DECLARE_ROWS);
