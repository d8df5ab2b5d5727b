#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "output_sample.h"
int main(void){
 struct text_output t={.out=stdout,.header_every=2};
 struct window w=sample_window(), b=blind_window(); struct alert a=sample_alert(); struct gc_cycle c=sample_cycle();
 struct event e=sample_growth(); struct attached_info i=sample_attached(); struct summary s=sample_summary();
 text_attached(&t,&i); text_window(&t,&w,&sample_timebase); text_window(&t,&b,&sample_timebase); text_window(&t,&b,&sample_timebase);
 text_gc(&t,4242,&c,&sample_timebase); text_map_grow(&t,&e,&sample_names,&sample_timebase); text_alert(&t,&a,&sample_timebase); text_summary(&t,&s);
 s.total.lost.ring=5; s.total.cost.known=false; text_summary(&t,&s);
 json_attached(stdout,&i,&sample_timebase);json_window(stdout,&w,&sample_timebase);json_window(stdout,&b,&sample_timebase);json_gc(stdout,4242,&c,&sample_timebase);json_map_grow(stdout,&e,&sample_names,&sample_timebase);json_alert(stdout,&a,&sample_timebase);json_summary(stdout,&s,&sample_timebase);
}
