"""Writes cases.json beside this file: templates and what transformers' template environment makes of them.

Run with transformers 5 and jinja2 3.1 installed: python make_cases.py
"""
import json
import os

from jinja2.exceptions import TemplateError
from transformers.utils.chat_template_utils import _compile_jinja_template

M = {"messages": [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "  Héllo <b>&\"'\n"},
    {"role": "assistant", "content": "", "tool_calls": [{"name": "f", "arguments": {"x": 1, "y": [1.5, None, True]}}]},
    {"role": "tool", "content": "12"},
    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}]},
], "bos_token": "<s>", "add_generation_prompt": True, "tools": None,
    "numbers": [3, 1, 2], "words": ["b", "A", "c", "a"], "text": "The quick brown fox, 北京 😀!", "d": {"b": 1, "a": 2, "items": 3},
    "empty": [], "nothing": None, "big": 12345678901234567890, "f": 1e16, "g": 0.1, "deep": {"a": {"b": [10, {"c": "x"}]}}}

T = [
    # Names that a block sets itself, read too early by blocks within it.
    "{% for i in [1, 2] %}{{ text }}{% endfor %}|{% set text = 1 %}{{ text }}", "{% with a = 1 %}{{ big }}{% endwith %}{% set big = 2 %}{{ big }}", "{{ text }}{% for i in [1] %}{{ text }}{% endfor %}{% set text = 1 %}", "{% for i in [1] %}{{ d.b }}{% endfor %}{% if true %}{% set d = 1 %}{% endif %}{{ d }}",
    "{% macro m() %}{{ text }}{% endmacro %}{{ m() }}|{% set text = 1 %}{{ m() }}", "{% for i in [1, 2] %}{% for j in [1] %}[{{ text }}]{% endfor %}{% set text = i %}{{ text }}{% endfor %}{{ text | length }}", "{% set x %}{{ text }}{% endset %}{{ x }}{% set text = 3 %}", "{% if false %}{% set tools = 1 %}{% elif false %}{% set text = 1 %}{% else %}{% for i in [1] %}{{ text }}{% endfor %}{% endif %}",
    # Ranges, macros' names, text within bounds.
    "{{ range(4) }} {{ range(3, 0, -1) }} {{ range(9)[2:7:2] }} {{ range(5)[::-1] }} {{ [range(2)] }} {{ range(3) == [0, 1, 2] }} {{ 2 in range(3) }} {{ range(3)[-1] }} {{ range(0) | length }}", "{{ range(3) * 2 }}", "{{ [1] + range(2) }}", "{{ range(2) | tojson }}", "{{ range(2).copy() }}", "{{ (1, 2).copy() }}",
    "{% macro hello(a) %}{{ hello.name }}{% endmacro %}{{ hello.name }}{{ hello(1) }}{{ hello.nope }}", "{{ text.find('q', 5) }} {{ text.find('T', 1) }} {{ text.find('o', -9, -2) }} {{ text.rfind('o', 0, 15) }} {{ text.count('o', 13) }} {{ text.startswith('q', 4) }} {{ text.endswith('k', 0, 9) }} {{ text.startswith('', 99) }} {{ text.index('b') }}",
    # What Jinja2 does not look into, or takes otherwise than one would think.
    "{{ none | map('upper') | list }}{{ none | selectattr('x') | list }}{{ 0 | select | list }}{{ '' | map(attribute='x') | list }}", "{{ d[[1]] is defined }}{{ d[{}] is defined }}{{ d[[1]] }}", "{{ [3, 'x'] | map(attribute='t.u', default=9) | list }} {{ [{'t': {}}] | map(attribute='t.u', default='-') | list }}",
    "{{ [{'a': 2, 'b': 1}, {'a': 1, 'b': 2}, {'a': 1, 'b': 1}] | sort(attribute='a,b') }} {{ ['b', 'a'] | sort(attribute='n') | list }}", "{{ 1.5 is even }} {{ 2.0 is even }} {{ true is odd }}", "{{ 'ab' * true }}|{{ false * [1] }}|{{ true | round }}{{ -0.1 | round }}", "{{ (numbers | length)[::-1] }}", "{{ d.items()[1:] }}", "{{ d[1:] }}", "{{ [1] + 'a' }}", "{{ (1,) + [1] }}", "{{ [1] is filter }}",
    "{% raw +%}x{% endraw %}", "{% raw -%} x {% endraw +%}\ny", "{{ zzz is callable }}{{ '[%s]' % zzz }}{{ zzz | truncate(5) }}", "{{ '%d' % zzz }}", "{{ 0 ** -1 }}", "{{ 1e200 ** 2 }}",
    # White space.
    "a\n{% if true %}\nb\n{% endif %}\nc\n", "  {% if true %}  x  {% endif %}  y", "a {%- if true -%} b {%- endif -%} c",
    "a\n  {%+ if true %} b\n {%+ endif +%}\n c", "a\n  {{ 1 }}\n  b", "a\n  {{- 1 -}}\n  b", "{# c #}\nx\n   {# c #}\ny{#- c -#} z",
    "x {% if true %} \n y {% endif %}", "{% if true -%}\n\n  x{%- endif %}\n", "{%- if true %} a\r\nb\r{% endif %}", "a\n\n", "\n", "a{#+ c +#}\nb",
    "{% for x in [1,2] %}\n  {{ x }}\n{% endfor %}\nend", "\t{% set a = 1 %}\t{{ a }}", "{{ 1 }}  {% set a = 1 %}\n b", "{{ 'a\nb' }}\n  {% if 1 %}c{% endif %}",
    "{% raw %}{{ x }}{% if %}{% endraw %}", "a\n  {%- raw -%}  {{ x }}\n  {%- endraw -%}  b", "{% raw %}\n  a\n  {% endraw %}\nb", "{{ '}}' }}{{ '%}' }}", "{{ {'a': {'b': 1}}['a']['b'] }}",
    "{%if true%}x{%endif%}", "a{% if true %}{% endif %}\n\nb", " {%- set x -%} hi {%- endset -%} [{{ x }}]", "  {#- a -#}  \n  b", "x\n{%- if true -%}\ny\n{%- endif -%}\nz",
    # Literals and printing.
    "{{ 1 }} {{ 1.0 }} {{ 1e20 }} {{ 0.00001 }} {{ true }} {{ False }} {{ none }} {{ 'a' 'b' }} {{ big }} {{ f }} {{ g }}", "{{ [1, 'a', none, true, 1.5, {'k': 'v'}] }}", "{{ (1,) }}{{ () }}{{ (1, 2) }}",
    "{{ ['it\\'s', 'q\"', 'b\\\\', '\\n\\t', '\\x01', 'é', '\\u200b'] }}", "{{ '\\u00e9\\x41\\101\\q' }}", "{{ {} }}{{ [] }}", "{{ 1_000 }}{{ 1.5e3 }}{{ 7 // 2 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 7 / 2 }}{{ 2 ** 10 }}{{ 2 ** -1 }}",
    "{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 'ab' * 3 }} {{ [1] * 2 }} {{ [1] + [2] }} {{ 'a' ~ 1 ~ none ~ true }}", "{{ -1 | abs }} {{ - 3 }} {{ +2 }} {{ 2 - -1 }}", "{{ true + 1 }}", "{{ 1, 2 }}",
    # Comparison and logic.
    "{{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' == 'a' }} {{ [1] == [1.0] }} {{ none == none }} {{ 'a' != 'b' }} {{ (1,) == [1] }} {{ {'a': 1} == {'a': 1.0} }}", "{{ 1 < 2 < 3 }} {{ 1 < 2 > 5 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 3 >= 3 }}",
    "{{ 'a' in 'cat' }} {{ 'x' not in 'cat' }} {{ 1 in [1] }} {{ 'b' in d }} {{ not 'b' in d }} {{ 'z' in zzz }}", "{{ 0 or 'x' }} {{ 1 and 'y' }} {{ [] or {} or '' or 0 }} {{ not none }}", "{{ 'a' if false }}|{{ 'a' if 1 else 'b' }}|{{ 'a' if 0 else 'b' if 0 else 'c' }}", "{{ 1 if true else 2 if true else 3 }}",
    "{{ zzz == yyy }}{{ zzz is defined }}{{ zzz }}", "{{ 1 in (1, 2) }}", "{{ not 1 == 2 and 3 > 2 }}",
    # Names, members, slices.
    "{{ messages[0].role }} {{ messages[0]['role'] }} {{ messages[-1]['role'] }} {{ messages[0].nope is defined }} {{ messages[9] is defined }} {{ deep.a.b[1].c }} {{ deep['a']['b'].0 }}", "{{ d.items() }} {{ d['items'] }} {{ d.items is callable }} {{ d.b }}",
    "{{ d.get('b') }} {{ d.get('z') }} {{ d.get('z', 5) }} {{ d.keys() | list }} {{ d.values() | list }}", "{{ numbers[1:] }} {{ numbers[:-1] }} {{ numbers[::-1] }} {{ numbers[::2] }} {{ numbers[5:] }} {{ text[4:9] }} {{ text[-2:] }} {{ text[::-1] }} {{ numbers[-2:0:-1] }}", "{{ text[0] }}{{ text[-2] }}{{ text[99] }}",
    "{{ (1, 2, 3)[1:] }}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{{ messages[0:1][0].content }}", "{{ nothing.x is defined }}", "{{ text.upper is defined }}", "{{ d['b'] + d.a }}",
    # Loops.
    "{% for x in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}", "{% for x in empty %}x{% else %}none{% endfor %}", "{% for x in numbers if x > 1 %}{{ x }}{{ loop.length }}{% else %}no{% endfor %}",
    "{% for x in numbers %}{% if loop.index == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% for x in numbers %}{% if loop.first %}{% continue %}{% endif %}{{ x }}{% endfor %}", "{% for x in numbers %}{{ loop.previtem }}-{{ loop.nextitem }};{% endfor %}", "{% for x in numbers %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}", "{% set ns = namespace(n=0) %}{% for i in numbers %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "{% for a in [1, 2] %}{% for b in [3, 4] %}{{ loop.index }}{{ a }}{{ b }} {% endfor %}{{ loop.index }}{% endfor %}", "{% for c in 'a😀' %}[{{ c }}]{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}",
    "{% for x in zzz %}x{% endfor %}ok", "{% for n in [{'v': 1, 'c': [{'v': 2, 'c': []}]}] recursive %}{{ n.v }}{{ loop.depth }}{{ loop(n.c) }}{% endfor %}", "{% for (a, b) in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{% endfor %}", "{% for i in range(3) %}{{ i }}{% endfor %}{{ range(5, 1, -2) | list }}", "{% for x in messages %}{{ x.role }}{{ ',' if not loop.last }}{% endfor %}",
    "{% for i in range(2) %}{% set y = i %}{% endfor %}{{ y is defined }}", "{% if true %}{% set z = 1 %}{% endif %}{{ z }}",
    # set, with, filter, macro, call, generation.
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}", "{% set x %}a{{ 1 }}b{% endset %}{{ x }}", "{% set x | upper %}abc{% endset %}{{ x }}", "{% set x | replace('a', 'z') | trim %} aba {% endset %}[{{ x }}]", "{% with a = 1, b = 2 %}{{ a + b }}{% set a = 9 %}{% endwith %}{{ a is defined }}", "{% filter upper %}a{{ 'b' }}{% endfilter %}",
    "{% macro m(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=4, a=5) }}{{ m() }}", "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
    "{% macro w(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call w('b') %}in{% endcall %}", "{% macro l(xs) %}{% for x in xs %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(x) l(numbers) %}{{ x * 2 }},{% endcall %}", "{% set g = 7 %}{% macro m() %}{{ g }}{% endmacro %}{{ m() }}", "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.role }}\n{% endgeneration %}{% endif %}{% endfor %}", "{%- macro m(x) -%}\n  {{ x }}\n{%- endmacro -%}\n{{ m(1) }}", "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}", "{% macro m(x) %}{% set y = x %}{{ y }}{% endmacro %}{{ m(1) }}{{ y is defined }}", "{% macro a() %}x{% endmacro %}{% set r = a() %}{{ r ~ '!' }}{{ r | length }}",
    # Filters.
    "{{ ' x ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ 5 | trim }}", "{{ text | upper }} {{ text | lower }} {{ text | title }} {{ 'hELLO wORLD' | capitalize }} {{ 'a-b (c' | title }}", "{{ text | length }} {{ d | length }} {{ numbers | count }} {{ zzz | length }}", "{{ numbers | first }} {{ numbers | last }} {{ empty | first }} {{ text | first }} {{ text | last }}", "{{ numbers | join(',') }} {{ words | join }} {{ messages | join('|', attribute='role') }} {{ [1, none, 'a'] | join('-') }}",
    "{{ messages | map(attribute='role') | list }} {{ words | map('upper') | join }} {{ messages | map(attribute='zz', default='-') | join }} {{ [1, 2] | map('string') | list }}", "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | rejectattr('role', 'in', ['user', 'tool']) | map(attribute='role') | join(',') }} {{ messages | selectattr('tool_calls', 'defined') | list | length }} {{ messages | selectattr('content') | list | length }}",
    "{{ numbers | select('odd') | list }} {{ numbers | reject('>', 2) | list }} {{ [0, 1, '', 'a'] | select | list }}", "{{ numbers | sort }} {{ words | sort }} {{ words | sort(reverse=true) }} {{ words | sort(case_sensitive=true) }} {{ messages | sort(attribute='role') | map(attribute='role') | list }}", "{{ d | dictsort }} {{ d | dictsort(by='value') }} {{ {'B': 1, 'a': 2} | dictsort }} {{ {'B': 1, 'a': 2} | dictsort(true) }}",
    "{{ numbers | sum }} {{ [{'v': 1}, {'v': 2}] | sum(attribute='v', start=10) }} {{ numbers | min }} {{ words | max }}", "{{ ['a', 'A', 'b'] | unique | list }}", "{{ numbers | reverse | list }} {{ 'abc' | reverse }}", "{{ zzz | default('x') }} {{ '' | default('x') }} {{ '' | default('x', true) }} {{ none | d('y') }} {{ none | d('y', boolean=true) }}", "{{ '3' | int }} {{ '3.7' | int }} {{ 'x' | int }} {{ 'x' | int(9) }} {{ 3.9 | int }} {{ ' 4 ' | int }} {{ none | int }} {{ true | int }} {{ '1.5' | float }} {{ 'x' | float }} {{ 2 | float }}",
    "{{ 2.5 | round }} {{ 3.14159 | round(2) }} {{ 3.1 | round(0, 'ceil') }} {{ 3.9 | round(method='floor') }} {{ 5 | round }} {{ 1.005 | round(2) }}", "{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\n\nb' | indent('> ', blank=true) }}|{{ 'a\n' | indent(1) }}|{{ '' | indent(2, true) }}", "{{ 'aXbX' | replace('X', '-') }} {{ 'aaa' | replace('a', 'b', 2) }} {{ 'ab' | replace('', '.') }}", "{{ text | truncate(10) }} {{ 'hello world foo' | truncate(9, true, '', 0) }} {{ 'hello world foo' | truncate(9, false, '..', 0) }}",
    "{{ '%s-%d-%.2f-%5s-%-5s|%05d%%' | format('a', 3, 2.5, 'x', 'y', 42) }}", "{{ 'a b c' | wordcount }} {{ [1, 2, 3, 4, 5] | batch(2, 'x') | list }} {{ 'abc' | list }} {{ 5 | string ~ 'x' }} {{ 'ab' | center(7) }}|", "{{ d | items | list }} {{ zzz | items | list }}", "{% if empty | map('upper') %}yes{% endif %}", "{% set m = numbers | map('string') %}{{ m | join }}{{ m | join }}.", "{{ 'a' | safe }}{{ ('a' | safe) ~ '<' ~ 1 }}", "{{ ('<a>' | safe) + '<b>&' + ('c' | safe) }}{{ '<' + ('b' | safe) }}", "{{ ['<', '<' | safe] | join('&') }}{{ 'a' in ('ab' | safe) }}{{ ('b' | safe) in 'ab' }}{{ ('ab' | safe) | replace('a', '<') }}{{ ('ab' | safe) | length }}{{ ('a' | safe) == 'a' }}",
    # tojson.
    "{{ messages[2] | tojson }}", "{{ messages | tojson(indent=2) }}", "{{ d | tojson(sort_keys=true) }} {{ d | tojson(separators=(',', ':')) }}", "{{ text | tojson }} {{ text | tojson(ensure_ascii=true) }} {{ '\\x01\\x7f\\u2028/' | tojson }}", "{{ [] | tojson }}{{ {} | tojson }}{{ [[]] | tojson(indent=1) }}{{ none | tojson }}{{ 1.0 | tojson }}{{ f | tojson }}{{ big | tojson }}", "{{ {'a': [1, {'b': (1, 2)}]} | tojson(indent=4) }}", "{{ {1: 2, none: 3} | tojson }}", "{{ 'x' | tojson | safe }}", "{{ [1, 2] | tojson(indent='-') }}",
    # Tests.
    "{{ 1 is number }} {{ 1.5 is float }} {{ 1 is integer }} {{ true is integer }} {{ true is boolean }} {{ 'a' is string }} {{ d is mapping }} {{ numbers is sequence }} {{ 'a' is sequence }} {{ d is iterable }} {{ 1 is iterable }} {{ none is none }} {{ zzz is undefined }} {{ true is true }} {{ 0 is false }}", "{{ 3 is odd }} {{ 3 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is eq 1 }} {{ 1 is in [1] }} {{ 1 is not in [1] }} {{ 'a' is lower }} {{ 'A' is upper }} {{ 1 is sameas 1 }} {{ 3 is gt 2 }} {{ 2 is le 1 }} {{ 'a' is ne 'b' }}",
    "{{ messages[4].content is string }} {{ messages[1].content is not string }} {{ messages is iterable and messages is not mapping }}", "{{ zzz is not defined or zzz }}",
    # Text methods.
    "{{ ' a '.strip() }}|{{ 'xax'.strip('x') }}|{{ '  a'.lstrip() }}|{{ 'a\\n'.rstrip('\\n') }}|", "{{ 'a,b,c'.split(',') }} {{ 'a b  c'.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b c '.rsplit(none, 1) }} {{ ' a b c '.split(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a\\nb\\r\\nc\\n'.splitlines() }} {{ 'a\\nb'.splitlines(true) }}", "{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abcb'.find('b') }} {{ 'abcb'.rfind('b') }} {{ 'abc'.find('z') }} {{ 'aXa'.count('a') }} {{ 'abc'.index('c') }}",
    "{{ 'aa'.replace('a', 'b') }} {{ 'aa'.replace('a', 'b', 1) }} {{ 'a b'.title() }} {{ \"they're bill's\".title() }} {{ 'aB'.upper() }}{{ 'aB'.lower() }}{{ 'aB'.swapcase() }}{{ 'aB c'.capitalize() }}", "{{ ','.join(['a', 'b']) }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'ab'.center(5, '*') }} {{ 'ab'.ljust(4) }}|{{ 'ab'.rjust(4) }} {{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'abc'.center(6, '*') }}", "{{ 'abc'.isalpha() }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'ab'.islower() }} {{ ''.isalpha() }} {{ 'Ab C'.istitle() }}", "{{ '{} and {}'.format(1, 'b') }} {{ '{0}{1}{0} {x}'.format('a', 'b', x=3) }} {{ '{{}}'.format() }}", "{{ '%s is %s' % ('a', 1) }} {{ '%d%%' % 5 }} {{ '%(k)s' % {'k': 'v'} }}",
    "{{ d.items()[0] }}|{{ d.keys() | length }}{{ 'a' in d.keys() }}{{ d.values() | sum }}{{ d.items() | first }}", "{{ d.items() | tojson }}", "{% if {}.items() %}x{% else %}y{% endif %}", "{{ numbers.index(2) }} {{ numbers.count(1) }}", "{{ 'ǆ'.title() }}{{ 'ß'.upper() }}{{ 'İ'.lower() }}{{ 'ΑΣ'.lower() }}",
    # Functions.
    "{{ dict(a=1, b=2) }} {{ dict([('x', 1)]) }} {{ dict({'a': 1}, b=3) }}", "{% set ns = namespace(a=1, found=false) %}{{ ns.a }}{{ ns.found }}{{ ns.zz is defined }}", "{% set j = joiner(', ') %}{{ j() }}a{{ j() }}b", "{{ raise_exception('No <good>: ' ~ 1) }}", "{% if false %}{{ raise_exception('x') }}{% endif %}ok", "{{ strftime_now is defined }}", "{{ range(3) | list + [9] }}",
    # Errors.
    "{{ zzz.a }}", "{{ messages[0].nope.more }}", "{{ 'a' + 1 }}", "{{ 1 + 'a' }}", "{{ zzz + 'a' }}", "{{ 'a' + zzz }}", "{{ nothing.a.b }}", "{{ nothing + 'a' }}", "{{ 'a' + nothing }}", "{{ nothing['a'] }}", "{% for x in none %}{% endfor %}", "{% for x in 5 %}{% endfor %}", "{{ 1 / 0 }}", "{{ 5() }}", "{{ zzz() }}", "{{ numbers.append(1) }}", "{{ 1 < 'a' }}", "{{ none | length }}", "{% set a, b = [1] %}", "{% set a, b = [1, 2, 3] %}", "{{ numbers | map('upper') | length }}", "{{ 'a' in 5 }}", "{{ 1 in 'a' }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{{ messages[9].role }}", "{{ messages['x'].y }}", "{% set d.b = 1 %}", "{{ 'abc'.index('z') }}", "{{ zzz | tojson }}", "{{ -'a' }}", "{{ 'a' * 'b' }}",
    "{% if x %}", "{% endif %}", "{{ 1 +}}", "{% for x %}{% endfor %}", "{{ 'a }}", "{% foo %}", "{{ a b }}", "{% if %}{% endif %}", "{{ [1, }}", "{# x", "{% raw %}x", "{{ (1 }}", "{% set 1 = 2 %}",
]

rows = []
for source in T:
    row = {"template": source}
    try:
        row["text"] = _compile_jinja_template(source).render(**json.loads(json.dumps(M)))
    except TemplateError as e:
        row["error"] = str(e)
        row["raised"] = type(e) is TemplateError
        row["syntax"] = type(e).__name__ == "TemplateSyntaxError"
    except Exception as e:
        row["error"] = str(e)
    rows.append(row)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json"), "w", encoding="utf-8") as f:
    json.dump({"variables": M, "cases": rows}, f, ensure_ascii=True, indent=1)
    f.write("\n")
print(len(rows), "cases,", sum("error" in r for r in rows), "of them errors")
