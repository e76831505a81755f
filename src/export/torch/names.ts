/** Names of tensors in a PyTorch module: our paths, where Python and `nn.Module` allow them. */
import type { Graph } from '../../graph/graph.ts';
import { must } from '../../must.ts';

/** Words of Python, and attributes that every module has. */
const reserved: ReadonlySet<string> = new Set(
  `False None True and as assert async await break class continue def del elif else except finally for from
  global if import in is lambda nonlocal not or pass raise return try while with yield
  T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
  eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
  modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
  register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
  register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
  register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
  set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad`.split(
    /\s+/,
  ),
);

/**
 * The name of every parameter and buffer, by its path: letters, digits, _ and points alone, and no two alike.
 * A part that Python or `nn.Module` has for itself gets a _ at its end, and so does the name of a tensor that
 * a place or another tensor has.
 */
export function torchNames({ params, buffers }: Graph): ReadonlyMap<string, string> {
  const parts = [...params, ...buffers].map(({ path }) => ({ path, parts: path.split('.').map(identifier) }));
  const taken = new Set(parts.flatMap(({ parts: all }) => all.map((_, i) => all.slice(0, i).join('.'))));
  return new Map(
    parts.map(({ path, parts: all }) => {
      const place = all.slice(0, -1);
      let last = must(all.at(-1));
      while (taken.has([...place, last].join('.'))) last += '_';
      const name = [...place, last].join('.');
      taken.add(name);
      return [path, name];
    }),
  );
}

function identifier(part: string): string {
  const plain = part.replaceAll(/[^A-Za-z0-9_]/g, '_');
  const begun = /^[A-Za-z]/.test(plain) ? plain : `n${plain}`;
  return reserved.has(begun) ? `${begun}_` : begun;
}
