<?php
/**
 * Hand-written stand-ins for what the plugin uses of WordPress 6.9 and WooCommerce 10.5.2.
 *
 * Names, arguments and what is given back were held against the source; each entry names its file
 * (WooCommerce's below `plugins/woocommerce/`, WordPress's below `wp-includes/`).  They keep what they
 * are told and count; they know no arithmetic.
 */

// phpcs:disable

/** What the stand-ins hold between calls. */
final class Shop {

	public static array $hooks      = array();
	public static array $options    = array();
	public static array $transients = array();
	public static array $cache = array();
	public static array $user_meta  = array();
	public static array $orders     = array();
	public static array $queue      = array();
	public static array $sent       = array();
	public static array $answers    = array();
	public static array $webhooks   = array();
	public static array $products   = array();
	public static array $categories = array();
	public static array $comments   = array();
	public static array $blocks     = array();
	public static int $shown        = 0;
	public static int $user         = 0;
	public static string $phone     = '';
	public static bool $gross       = true;
	public static array $rates      = array();
	public static array $json       = array();

	public static function open(): void {
		self::$hooks = self::$transients = self::$cache = self::$user_meta = self::$orders = self::$queue = self::$sent = self::$answers = self::$rates = self::$webhooks = self::$products = self::$categories = self::$comments = self::$blocks = array();
		self::$shown = 0;
		self::$user  = 7;
		self::$phone = '';
		self::$gross = true;
		self::$options = array(
			'woocommerce_loyalty_hub_settings' => array(
				'enabled' => 'yes', 'url' => 'https://hub.example/', 'key' => 'k', 'connection' => 'i_zz', 'secret' => 's3cret', 'shop' => '',
			),
		);
		WooCommerce::$one = null;
		$one = new ReflectionProperty( LoyaltyHub\Cart::class, 'one' );
		$one->setValue( null, null );
	}

	/** The next answers of the hub, in order: status and body. */
	public static function answer( int $status, array $body ): void {
		self::$answers[] = array( $status, json_encode( $body ) );
	}

	/** What was asked, decoded. */
	public static function asked(): array {
		return array_map( fn( array $one ) => array( $one[0], $one[1], json_decode( (string) $one[2], true ) ), self::$sent );
	}
}

// plugin.php
function add_filter( $name, $callback, $priority = 10, $arguments = 1 ) {
	Shop::$hooks[ $name ][ $priority ][] = array( $callback, $arguments );
	ksort( Shop::$hooks[ $name ] );
	return true;
}
function add_action( $name, $callback, $priority = 10, $arguments = 1 ) {
	return add_filter( $name, $callback, $priority, $arguments );
}
function apply_filters( $name, $value, ...$more ) {
	foreach ( Shop::$hooks[ $name ] ?? array() as $callbacks ) {
		foreach ( $callbacks as list( $callback, $arguments ) ) {
			$value = $callback( ...array_slice( array( $value, ...$more ), 0, $arguments ) );
		}
	}
	return $value;
}
function do_action( $name, ...$arguments ) {
	foreach ( Shop::$hooks[ $name ] ?? array() as $callbacks ) {
		foreach ( $callbacks as list( $callback, $count ) ) {
			$callback( ...array_slice( $arguments, 0, $count ) );
		}
	}
}
function register_activation_hook( $file, $callback ) {}
function register_deactivation_hook( $file, $callback ) {}
function plugin_basename( $file ) { return 'loyalty-hub/loyalty-hub.php'; }

// option.php
function get_option( $name, $without = false ) { return Shop::$options[ $name ] ?? $without; }
function update_option( $name, $value, $autoload = null ) { Shop::$options[ $name ] = $value; return true; }
function delete_option( $name ) { unset( Shop::$options[ $name ] ); return true; }
function wp_cache_get( $key, $group = '', $force = false, &$found = null ) { return Shop::$cache[ $group ][ $key ] ?? false; }
function wp_cache_set( $key, $data, $group = '', $expire = 0 ) { Shop::$cache[ $group ][ $key ] = $data; return true; }
function get_transient( $name ) { return Shop::$transients[ $name ][0] ?? false; }
function set_transient( $name, $value, $seconds = 0 ) { Shop::$transients[ $name ] = array( $value, $seconds ); return true; }

function delete_transient( $name ) {
	$was = isset( Shop::$transients[ $name ] );
	unset( Shop::$transients[ $name ] );
	return $was;
}

// http.php, class-wp-http.php: a failed call is a WP_Error, an answered one an array.
function wp_remote_request( $url, $args = array() ) {
	Shop::$sent[] = array( $args['method'], $url, $args['body'], $args );
	$answer       = array_shift( Shop::$answers );
	return null === $answer || 0 === $answer[0] ? new WP_Error( 'http_request_failed', 'timed out' ) : $answer;
}
function wp_remote_retrieve_response_code( $answer ) { return $answer[0]; }
function wp_remote_retrieve_body( $answer ) { return $answer[1]; }

// load.php, class-wp-error.php
function is_wp_error( $thing ) { return $thing instanceof WP_Error; }
class WP_Error {
	public array $errors = array();
	public function __construct( $code = '', $message = '', $data = '' ) {
		if ( $code ) {
			$this->add( $code, $message, $data );
		}
	}
	public function add( $code, $message, $data = '' ) { $this->errors[ $code ][] = $message; }
	public function has_errors() { return ! empty( $this->errors ); }
}

// class-wp-rest-request.php: `rest-api/`.
class WP_REST_Request {
	public function __construct( private $method = '', private $route = '' ) {}
	public array $url = array();
	public function get_method() { return $this->method; }
	public function get_url_params() { return $this->url; }
}

// user.php, pluggable.php, l10n.php, formatting.php, functions.php, link-template.php
function get_current_user_id() { return Shop::$user; }
function get_user_meta( $user, $key = '', $single = false ) { return Shop::$user_meta[ $user ][ $key ] ?? ''; }
function update_user_meta( $user, $key, $value, $before = '' ) { Shop::$user_meta[ $user ][ $key ] = $value; return true; }
function delete_user_meta( $user, $key, $value = '' ) {
	$was = isset( Shop::$user_meta[ $user ][ $key ] );
	unset( Shop::$user_meta[ $user ][ $key ] );
	return $was;
}
function delete_metadata( $type, $object_id, $key, $value = '', $delete_all = false ) {
	foreach ( $delete_all ? array_keys( Shop::$user_meta ) : array( $object_id ) as $user ) {
		delete_user_meta( $user, $key );
	}
	return true;
}
function get_user_by( $field, $value ) { return 'buyer@shop.example' === $value ? (object) array( 'ID' => 7 ) : false; }
function wp_hash( $data, $scheme = 'auth', $algo = 'md5' ) { return hash_hmac( $algo, $data, 'salt' ); }
function wp_unslash( $value ) { return $value; }
function absint( $value ) { return abs( (int) $value ); }
function nocache_headers() {}
function wp_send_json_success( $value = null, $status_code = null, $flags = 0 ) { Shop::$json = $value; } // The real one ends there.
function doing_action( $hook_name = null ) { return false; }
function determine_locale() { return 'ru_RU'; }
function __( $text, $domain = 'default' ) { return $text; }
function esc_html__( $text, $domain = 'default' ) { return $text; }
function wp_kses_post( $data ) { return $data; }
function esc_attr( $text ) { return htmlspecialchars( $text ); }
function esc_html( $text ) { return htmlspecialchars( $text ); }
function number_format_i18n( $number, $decimals = 0 ) { return number_format( $number, $decimals, ',', ' ' ); }
function wp_generate_uuid4() { static $count = 0; return 'cart-' . ++$count; }
function wp_parse_url( $url, $component = -1 ) { return parse_url( $url, $component ); }
function home_url( $path = '' ) { return 'https://shop.example' . $path; }

// comment.php, query.php, functions.php, blocks.php, shortcodes.php, functions.wp-scripts.php; WooCommerce's conditional functions
function get_comment( $comment = null, $output = 'OBJECT' ) { return Shop::$comments[ $comment ] ?? null; }
function get_comment_meta( $comment_id, $key = '', $single = false ) { return '5'; }
function is_product() { return Shop::$shown > 0; }
function get_queried_object_id() { return Shop::$shown; }
function wp_json_encode( $value, $flags = 0, $depth = 512 ) { return json_encode( $value, $flags, $depth ); }
function wp_register_script( $handle, $src, $deps = array(), $ver = false, $args = array() ) { return true; }
function register_block_type( $block_type, $args = array() ) { Shop::$blocks[ $block_type ] = $args; }
function add_shortcode( $tag, $callback ) { Shop::$blocks[ $tag ] = $callback; }
function plugins_url( $path = '', $plugin = '' ) { return 'https://shop.example/' . $path; }
function sanitize_text_field( $str ) { return trim( strip_tags( $str ) ); }
function wp_date( $format, $timestamp = null, $timezone = null ) { return gmdate( 'Y-m-d', $timestamp ); }

// packages/action-scheduler/functions.php
function as_has_scheduled_action( $hook, $args = null, $group = '' ) {
	foreach ( Shop::$queue as $one ) {
		if ( array( $hook, $args, $group ) === array_slice( $one, 0, 3 ) ) {
			return true;
		}
	}
	return false;
}
function as_enqueue_async_action( $hook, $args = array(), $group = '', $unique = false, $priority = 10 ) {
	Shop::$queue[] = array( $hook, $args, $group, 0 );
	return count( Shop::$queue );
}
function as_schedule_single_action( $timestamp, $hook, $args = array(), $group = '', $unique = false, $priority = 10 ) {
	Shop::$queue[] = array( $hook, $args, $group, $timestamp );
	return count( Shop::$queue );
}

// woocommerce.php: WC()
function WC() { return WooCommerce::$one ??= new WooCommerce(); }
final class WooCommerce {
	public static ?self $one = null;
	public ?WC_Session $session;
	public ?WC_Cart $cart;
	public ?WC_Customer $customer;
	public function __construct() {
		$this->session = new WC_Session();
		$this->cart    = new WC_Cart();
		$this->customer = new WC_Customer();
	}
}

// includes/abstracts/abstract-wc-session.php
class WC_Session {
	private array $data = array();
	public function get( $key, $default_value = null ) { return $this->data[ $key ] ?? $default_value; }
	public function set( $key, $value ) { $this->data[ $key ] = $value; }
}

// includes/class-wc-cart.php: lines are given as the test says they were calculated.
class WC_Cart {
	public float $total   = 0;
	public array $items   = array();
	public array $applied = array();
	public array $rates   = array();
	public array $fees    = array();
	public int $counted   = 0;
	public function get_cart() { return $this->items; }
	public array $off = array(); // By code: without tax, and the tax.
	public function get_coupon_discount_amount( $code, $ex_tax = true ) { return $this->off[ $code ][0] ?? 0; }
	public function get_coupon_discount_tax_amount( $code ) { return $this->off[ $code ][1] ?? 0; }
	public function get_cart_contents() { return $this->items; }
	public function set_cart_contents( $value ) { $this->items = (array) $value; }
	public function is_empty() { return array() === $this->items; }
	public function get_applied_coupons() { return (array) $this->applied; }
	public function set_applied_coupons( $value = array() ) { $this->applied = (array) $value; }
	public function get_fees() { return $this->fees; }
	public function calculate_shipping() { return $this->rates; }
	public function get_customer() { return new WC_Customer(); }
	public function get_total( $context = 'view' ) { return (string) $this->total; }
	public function remove_cart_item( $cart_item_key ) {
		do_action( 'woocommerce_remove_cart_item', $cart_item_key, $this );
		unset( $this->items[ $cart_item_key ] );
		return true;
	}
	public function get_cart_item_quantities() {
		$quantities = array();
		foreach ( $this->items as $item ) {
			$id                = $item['data']->get_stock_managed_by_id();
			$quantities[ $id ] = ( $quantities[ $id ] ?? 0 ) + $item['quantity'];
		}
		return $quantities;
	}
	/** Calculates afterwards, by the action of the same name; what cannot be is told as a notice. */
	public function add_to_cart( $product_id = 0, $quantity = 1, $variation_id = 0, $variation = array(), $cart_item_data = array() ) {
		$product = wc_get_product( $variation_id ?: $product_id );
		try {
			$cart_item_data = apply_filters( 'woocommerce_add_cart_item_data', $cart_item_data, $product_id, $variation_id, $quantity );
			$key            = 'added-' . md5( serialize( array( $product_id, $variation_id, $variation, $cart_item_data ) ) );
			$before         = $this->items[ $key ]['quantity'] ?? 0;
			if ( $product->is_sold_individually() ) {
				$quantity = 1;
				if ( $before > 0 ) {
					throw new Exception( 'You cannot add another of it to your cart.' );
				}
			}
			if ( ! $product->is_in_stock() || ! $product->has_enough_stock( $quantity ) ) {
				throw new Exception( 'You cannot add that amount to the cart.' );
			}
			if ( ! $product->has_enough_stock( ( $this->get_cart_item_quantities()[ $product->get_stock_managed_by_id() ] ?? 0 ) + $quantity ) ) {
				throw new Exception( 'You cannot add that amount to the cart: you already have some.' );
			}
		} catch ( Exception $error ) {
			wc_add_notice( $error->getMessage(), 'error' );
			return false;
		}
		$this->items[ $key ] = $cart_item_data + array( 'data' => $product, 'product_id' => $product_id, 'variation_id' => $variation_id, 'variation' => $variation, 'quantity' => $before + $quantity, 'full' => $product->full, 'line_total' => $product->full, 'line_tax' => 0.0 );
		$this->calculate_totals();
		return $key;
	}
	/** As the real one: actions around, and the coupons in their order between (class-wc-cart-totals.php). */
	public function calculate_totals() {
		++$this->counted;
		do_action( 'woocommerce_before_calculate_totals', $this );
		$off = array();
		foreach ( array_intersect( LoyaltyHub\Coupons::CODES, $this->applied ) as $code ) {
			foreach ( ( new WC_Coupon( $code ) )->spread( array_keys( $this->items ) ) as $key => $hundredths ) {
				$off[ $key ] = ( $off[ $key ] ?? 0 ) + $hundredths;
			}
		}
		foreach ( $this->items as $key => $item ) {
			$this->items[ $key ]['line_total'] = ( $item['data']->price ?? $item['full'] ) - ( $off[ $key ] ?? 0 ) / 100;
		}
		$this->total = (float) apply_filters( 'woocommerce_calculated_total', array_sum( array_column( $this->items, 'line_total' ) ), $this );
		do_action( 'woocommerce_after_calculate_totals', $this );
	}
}

// includes/class-wc-coupon.php, class-wc-discounts.php (apply_coupon_custom)
class WC_Coupon {
	public array|false $data;
	public string $type = '';
	public function __construct( private $code = '' ) {
		$this->data = apply_filters( 'woocommerce_get_shop_coupon_data', false, $code, $this );
	}
	public function get_code( $context = 'view' ) { return $this->code; }
	public function set_discount_type( $discount_type ) { $this->type = $discount_type; }
	public function spread( array $keys ): array {
		return false === $this->data ? array() : apply_filters( 'woocommerce_coupon_custom_discounts_array', array_fill_keys( $keys, 0 ), $this );
	}
}

// includes/class-wc-customer.php, class-wc-product-simple.php, abstracts/abstract-wc-product.php
class WC_Customer {
	public function get_is_vat_exempt( $context = 'view' ) { return false; }
	public function get_billing_phone( $context = 'view' ) { return Shop::$phone; }
	public function set_billing_phone( $value ) { Shop::$phone = $value; }
}
class WC_Product {
	public function __construct( public int $id, public string $sku = '', public string $name = '', public string $tax_class = '' ) {}
	public function get_sku( $context = 'view' ) { return $this->sku; }
	public function get_name( $context = 'view' ) { return $this->name; }
	public function get_tax_class( $context = 'view' ) { return $this->tax_class; }
	public float $full         = 99.0;
	public ?float $price       = null;
	public bool $in_stock      = true;
	public ?int $stock         = null; // Null: it is not counted.
	public int $held           = 0; // By unpaid orders of others.
	public bool $one_an_order  = false;
	public string $type        = 'simple';
	public function get_id() { return $this->id; }
	public function set_price( $price ) { $this->price = (float) $price; }
	public function is_purchasable() { return true; }
	public function is_in_stock() { return $this->in_stock; }
	public function is_sold_individually() { return $this->one_an_order; }
	public function managing_stock() { return null !== $this->stock; }
	public function get_stock_managed_by_id() { return $this->id; }
	public function has_enough_stock( $quantity ) { return ! $this->managing_stock() || $this->stock >= $quantity; }
	public function is_type( $type ) { return $this->type === $type; }
	public function get_parent_id( $context = 'view' ) { return 90; }
	public function get_variation_attributes( $with_prefix = true ) { return array( 'attribute_pa_size' => 'l' ); }
	public function is_visible() { return true; }
	public function is_taxable() { return array() !== Shop::$rates; }
}

// includes/class-wc-tax.php: rates in percent by class; here none is compound.
class WC_Tax {
	public static function get_rates( $tax_class = '', $customer = null ) {
		return array( 1 => array( 'rate' => Shop::$rates[ $tax_class ] ?? 0, 'compound' => 'no' ) );
	}
	public static function calc_tax( $price, $rates, $price_includes_tax = false, $deprecated = false ) {
		return array_map( fn( array $rate ) => round( $price * $rate['rate'] / 100, 4 ), $rates );
	}
}

// includes/wc-core-functions.php, wc-product-functions.php, wc-formatting-functions.php, wc-order-functions.php
function wc_get_price_including_tax( $product, $args = array() ) { return $product->full; }
function wc_prices_include_tax() { return Shop::$gross; }
function wc_tax_enabled() { return true; }
function wc_get_price_decimals() { return Shop::$options['woocommerce_price_num_decimals'] ?? 2; }
function wc_round_tax_total( $value, $precision = null ) { return round( $value, $precision ?? 2, Shop::$gross ? PHP_ROUND_HALF_DOWN : PHP_ROUND_HALF_UP ); }
function wc_add_number_precision( $value, $round = true ) { return (float) $value * 100; }
function wc_rand_hash( $prefix = '', $max_length = 0 ) { static $count = 0; return $prefix . str_pad( (string) ++$count, 40, 'a', STR_PAD_LEFT ); }
function wc_api_hash( $data ) { return 'hash of ' . $data; }
function get_woocommerce_currency() { return 'RUB'; }
function wc_get_product( $the_product = false, $deprecated = array() ) { return Shop::$products[ $the_product ] ?? false; }
function wc_get_product_id_by_sku( $sku ) {
	foreach ( Shop::$products as $id => $product ) {
		if ( $product->sku === $sku ) {
			return $id;
		}
	}
	return 0;
}
// wp-includes/taxonomy.php
function get_term_by( $field, $value, $taxonomy = '', $output = 'OBJECT', $filter = 'raw' ) { return isset( Shop::$categories[ $value ] ) ? (object) array( 'name' => Shop::$categories[ $value ] ) : false; }
function wc_get_held_stock_quantity( WC_Product $product, $exclude_order_id = 0 ) { return $product->held; }
function wc_price( $price, $args = array() ) { return number_format( $price, 2, '.', '' ) . ' ₽'; }
function wc_get_order( $order = false ) { return Shop::$orders[ $order ] ?? false; }

// includes/wc-notice-functions.php
function wc_get_notices( $notice_type = '' ) { return WC()->session->get( 'wc_notices', array() ); }
function wc_set_notices( $notices ) { WC()->session->set( 'wc_notices', empty( $notices ) ? null : $notices ); }
function wc_add_notice( $message, $notice_type = 'success', $data = array() ) {
	$notices                   = wc_get_notices();
	$notices[ $notice_type ][] = array( 'notice' => $message, 'data' => $data );
	wc_set_notices( $notices );
}

// includes/class-wc-webhook.php, wc-webhook-functions.php, class-wc-data-store.php, data-stores/class-wc-webhook-data-store.php
function wc_get_webhook( $id ) { return Shop::$webhooks[ $id ] ?? null; }
class WC_Data_Store {
	public static function load( $object_type ) { return new self(); }
	public function get_webhooks_ids( $status = '' ) { return array_keys( Shop::$webhooks ); }
}
class WC_Webhook {
	public array $data = array( 'status' => 'disabled', 'failures' => 0 );
	private int $id    = 0;
	public function get_id() { return $this->id; }
	public function get_status( $context = 'view' ) { return $this->data['status']; }
	public function get_topic( $context = 'view' ) { return $this->data['topic']; }
	public function get_delivery_url( $context = 'view' ) { return $this->data['url']; }
	public function set_name( $name ) { $this->data['name'] = $name; }
	public function set_user_id( $user_id ) { $this->data['user'] = $user_id; }
	public function set_topic( $topic ) { $this->data['topic'] = $topic; }
	public function set_secret( $secret ) { $this->data['secret'] = $secret; }
	public function set_delivery_url( $url ) { $this->data['url'] = $url; }
	public function set_status( $status ) { $this->data['status'] = $status; }
	public function set_api_version( $version ) { $this->data['version'] = $version; }
	public function set_failure_count( $failure_count ) { $this->data['failures'] = $failure_count; }
	public function save() {
		$this->id                    = $this->id ?: max( array( 0, ...array_keys( Shop::$webhooks ) ) ) + 1;
		Shop::$webhooks[ $this->id ] = $this;
		return $this->id;
	}
	public function delete( $force_delete = false ) { unset( Shop::$webhooks[ $this->id ] ); return true; }
}

// includes/abstracts/abstract-wc-data.php: meta; abstract-wc-order.php, class-wc-order-item-product.php
class WC_Data {
	public array $meta = array();
	public function __construct( protected int $id = 0 ) {}
	public function get_id() { return $this->id; }
	public function get_meta( $key = '', $single = true, $context = 'view' ) { return $this->meta[ $key ] ?? ''; }
	public function update_meta_data( $key, $value, $meta_id = 0 ) { $this->meta[ $key ] = $value; }
	public function delete_meta_data( $key ) { unset( $this->meta[ $key ] ); }
}
class WC_Order extends WC_Data {
	public array $items = array();
	public array $coupons = array();
	public function get_items( $types = 'line_item' ) { return 'coupon' === $types ? $this->coupons : $this->items; }
	public float $total = 0;
	public function get_total( $context = 'view' ) { return (string) $this->total; }
	public function set_total( $value, $deprecated = '' ) { $this->total = (float) $value; }
	public function get_currency( $context = 'view' ) { return 'RUB'; }
	public function get_order_number() { return 'N-' . $this->id; }
	public function get_prices_include_tax( $context = 'view' ) { return Shop::$gross; }
}
// includes/class-wc-order-item-coupon.php
class WC_Order_Item_Coupon extends WC_Data {
	public function __construct( private string $code, public $discount, public $discount_tax ) {}
	public function get_code( $context = 'view' ) { return $this->code; }
	public function set_discount( $value ) { $this->discount = $value; }
	public function set_discount_tax( $value ) { $this->discount_tax = $value; }
}
class WC_Order_Item_Product extends WC_Data {
	public float $subtotal     = 0;
	public float $subtotal_tax = 0;
	public function get_subtotal( $context = 'view' ) { return $this->subtotal; }
	public function get_subtotal_tax( $context = 'view' ) { return $this->subtotal_tax; }
}
