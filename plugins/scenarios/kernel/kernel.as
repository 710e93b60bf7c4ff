// The arithmetic of small networks on SIMD lanes, in AssemblyScript: `bun run kernel` compiles it.
//
// All pointers are byte offsets into the one memory; matrices are float32, row after row. Widths of
// outputs (`m`) are multiples of 4: callers pad with zeros. Every sum has one fixed order, so the
// same bytes in give the same bytes out on every machine.

// @ts-nocheck: v128 and its kin are AssemblyScript's.

/** tanh by Eigen's rational approximation: below 4e-7 off on the whole line. */
function tanh4(value: v128): v128 {
  const limit = f32x4.splat(7.90531110763549805)
  const x = f32x4.min(f32x4.max(value, f32x4.neg(limit)), limit)
  const s = f32x4.mul(x, x)
  let p = f32x4.splat(-2.76076847742355e-16)
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(2.00018790482477e-13))
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(-8.60467152213735e-11))
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(5.12229709037114e-8))
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(1.48572235717979e-5))
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(6.37261928875436e-4))
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(4.89352455891786e-3))
  p = f32x4.mul(p, x)
  let q = f32x4.splat(1.19825839466702e-6)
  q = f32x4.add(f32x4.mul(q, s), f32x4.splat(1.18534705686654e-4))
  q = f32x4.add(f32x4.mul(q, s), f32x4.splat(2.26843463243900e-3))
  q = f32x4.add(f32x4.mul(q, s), f32x4.splat(4.89352518554385e-3))
  return f32x4.div(p, q)
}

@inline
function finish(y: usize, value: v128, act: i32): void {
  v128.store(y, act == 1 ? tanh4(value) : value)
}

/** y[rows, m] = act(x[rows, n] w[n, m] + b[m]); act: 0 none, 1 tanh. */
export function forward(
  x: usize, w: usize, b: usize, y: usize, rows: i32, n: i32, m: i32, act: i32,
): void {
  const stride = <usize>m << 2
  const width = <usize>n << 2
  let r = 0
  for (; r + 4 <= rows; r += 4) {
    const x0 = x + <usize>r * width
    const x1 = x0 + width
    const x2 = x1 + width
    const x3 = x2 + width
    const yr = y + <usize>r * stride
    let o = 0
    for (; o + 8 <= m; o += 8) {
      const at = <usize>o << 2
      const b0 = v128.load(b + at)
      const b1 = v128.load(b + at + 16)
      let a00 = b0, a01 = b1, a10 = b0, a11 = b1, a20 = b0, a21 = b1, a30 = b0, a31 = b1
      let row = w + at
      for (let i: usize = 0; i < width; i += 4) {
        const w0 = v128.load(row)
        const w1 = v128.load(row, 16)
        row += stride
        let v = v128.load32_splat(x0 + i)
        a00 = f32x4.add(a00, f32x4.mul(v, w0))
        a01 = f32x4.add(a01, f32x4.mul(v, w1))
        v = v128.load32_splat(x1 + i)
        a10 = f32x4.add(a10, f32x4.mul(v, w0))
        a11 = f32x4.add(a11, f32x4.mul(v, w1))
        v = v128.load32_splat(x2 + i)
        a20 = f32x4.add(a20, f32x4.mul(v, w0))
        a21 = f32x4.add(a21, f32x4.mul(v, w1))
        v = v128.load32_splat(x3 + i)
        a30 = f32x4.add(a30, f32x4.mul(v, w0))
        a31 = f32x4.add(a31, f32x4.mul(v, w1))
      }
      finish(yr + at, a00, act)
      finish(yr + at + 16, a01, act)
      finish(yr + stride + at, a10, act)
      finish(yr + stride + at + 16, a11, act)
      finish(yr + stride * 2 + at, a20, act)
      finish(yr + stride * 2 + at + 16, a21, act)
      finish(yr + stride * 3 + at, a30, act)
      finish(yr + stride * 3 + at + 16, a31, act)
    }
    for (; o < m; o += 4) {
      for (let k: usize = 0; k < 4; k++) narrow(x0 + k * width, w, b, yr + k * stride, o, n, m, act)
    }
  }
  for (; r < rows; r++) {
    for (let o = 0; o < m; o += 4) {
      narrow(x + <usize>r * width, w, b, y + <usize>r * stride, o, n, m, act)
    }
  }
}

/** Four outputs of one row. The order of the sum is that of the wide blocks. */
@inline
function narrow(
  x: usize, w: usize, b: usize, y: usize, o: i32, n: i32, m: i32, act: i32,
): void {
  const at = <usize>o << 2
  const stride = <usize>m << 2
  let sum = v128.load(b + at)
  let row = w + at
  for (let i: usize = 0; i < (<usize>n << 2); i += 4) {
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x + i), v128.load(row)))
    row += stride
  }
  finish(y + at, sum, act)
}

/** dy[count] *= 1 - y[count]^2: back through tanh, in place. count is a multiple of 4. */
export function backTanh(y: usize, dy: usize, count: i32): void {
  const one = f32x4.splat(1)
  for (let i: usize = 0; i < (<usize>count << 2); i += 16) {
    const v = v128.load(y + i)
    v128.store(dy + i, f32x4.mul(v128.load(dy + i), f32x4.sub(one, f32x4.mul(v, v))))
  }
}

/** dw[n, m] += x[rows, n]^T dz[rows, m]; db[m] += sum of the rows of dz. */
export function backWeights(
  x: usize, dz: usize, dw: usize, db: usize, rows: i32, n: i32, m: i32,
): void {
  const stride = <usize>m << 2
  const width = <usize>n << 2
  for (let o: usize = 0; o < stride; o += 16) {
    let sum = v128.load(db + o)
    let at = dz + o
    for (let r = 0; r < rows; r++) {
      sum = f32x4.add(sum, v128.load(at))
      at += stride
    }
    v128.store(db + o, sum)
  }
  let i: usize = 0
  for (; i + 16 <= width; i += 16) {
    for (let o: usize = 0; o < stride; o += 16) {
      const to = dw + (i >> 2) * stride + o
      let s0 = v128.load(to)
      let s1 = v128.load(to + stride)
      let s2 = v128.load(to + stride * 2)
      let s3 = v128.load(to + stride * 3)
      let xr = x + i
      let at = dz + o
      for (let r = 0; r < rows; r++) {
        const d = v128.load(at)
        s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(xr), d))
        s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(xr, 4), d))
        s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(xr, 8), d))
        s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(xr, 12), d))
        xr += width
        at += stride
      }
      v128.store(to, s0)
      v128.store(to + stride, s1)
      v128.store(to + stride * 2, s2)
      v128.store(to + stride * 3, s3)
    }
  }
  for (; i < width; i += 4) {
    for (let o: usize = 0; o < stride; o += 16) {
      const to = dw + (i >> 2) * stride + o
      let sum = v128.load(to)
      let xr = x + i
      let at = dz + o
      for (let r = 0; r < rows; r++) {
        sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(xr), v128.load(at)))
        xr += width
        at += stride
      }
      v128.store(to, sum)
    }
  }
}

@inline
function total(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  )
}

/** dx[rows, n] = dz[rows, m] w[n, m]^T. */
export function backInput(dz: usize, w: usize, dx: usize, rows: i32, n: i32, m: i32): void {
  const stride = <usize>m << 2
  const zero = f32x4.splat(0)
  for (let r = 0; r < rows; r++) {
    const from = dz + <usize>r * stride
    const to = dx + <usize>r * (<usize>n << 2)
    let i = 0
    for (; i + 4 <= n; i += 4) {
      const w0 = w + <usize>i * stride
      const w1 = w0 + stride
      const w2 = w1 + stride
      const w3 = w2 + stride
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero
      for (let o: usize = 0; o < stride; o += 16) {
        const d = v128.load(from + o)
        s0 = f32x4.add(s0, f32x4.mul(d, v128.load(w0 + o)))
        s1 = f32x4.add(s1, f32x4.mul(d, v128.load(w1 + o)))
        s2 = f32x4.add(s2, f32x4.mul(d, v128.load(w2 + o)))
        s3 = f32x4.add(s3, f32x4.mul(d, v128.load(w3 + o)))
      }
      const at = to + (<usize>i << 2)
      f32.store(at, total(s0))
      f32.store(at, total(s1), 4)
      f32.store(at, total(s2), 8)
      f32.store(at, total(s3), 12)
    }
    for (; i < n; i++) {
      let sum = zero
      const row = w + <usize>i * stride
      for (let o: usize = 0; o < stride; o += 16) {
        sum = f32x4.add(sum, f32x4.mul(v128.load(from + o), v128.load(row + o)))
      }
      f32.store(to + (<usize>i << 2), total(sum))
    }
  }
}

/** Sum of squares, for the norm of a gradient. count is a multiple of 4. */
export function squares(g: usize, count: i32): f32 {
  let sum = f32x4.splat(0)
  for (let i: usize = 0; i < (<usize>count << 2); i += 16) {
    const v = v128.load(g + i)
    sum = f32x4.add(sum, f32x4.mul(v, v))
  }
  return total(sum)
}

/**
 * One step of Adam (Kingma & Ba 2015) on count parameters; g is multiplied by scale first and is
 * zero afterwards. c1 and c2 are 1 - beta^t.
 */
export function adam(
  p: usize, g: usize, m: usize, v: usize, count: i32,
  scale: f32, lr: f32, beta1: f32, beta2: f32, eps: f32, c1: f32, c2: f32,
): void {
  const b1 = f32x4.splat(beta1)
  const b2 = f32x4.splat(beta2)
  const n1 = f32x4.splat(1 - beta1)
  const n2 = f32x4.splat(1 - beta2)
  const step = f32x4.splat(lr / c1)
  const root = f32x4.splat(1 / <f32>Math.sqrt(c2))
  const e = f32x4.splat(eps)
  const k = f32x4.splat(scale)
  const zero = f32x4.splat(0)
  for (let i: usize = 0; i < (<usize>count << 2); i += 16) {
    const d = f32x4.mul(v128.load(g + i), k)
    const m1 = f32x4.add(f32x4.mul(b1, v128.load(m + i)), f32x4.mul(n1, d))
    const v1 = f32x4.add(f32x4.mul(b2, v128.load(v + i)), f32x4.mul(n2, f32x4.mul(d, d)))
    v128.store(m + i, m1)
    v128.store(v + i, v1)
    const down = f32x4.add(f32x4.mul(f32x4.sqrt(v1), root), e)
    v128.store(p + i, f32x4.sub(v128.load(p + i), f32x4.div(f32x4.mul(step, m1), down)))
    v128.store(g + i, zero)
  }
}
