<?php
/**
 * Points that can be earned, on the product's page and after the order.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Basket;
use LoyaltyHub\Core\Line;
use LoyaltyHub\Core\Money;
use LoyaltyHub\Core\Quote;

/**
 * The product's page may come out of a page cache, so what is the buyer's own is asked for by script.
 */
final class Earnings {

	private const ACTION = 'loyalty_hub_earn';
	private const KEPT_S = 600;

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'woocommerce_single_product_summary', array( $this, 'show_place' ), 15 );
		add_action( 'wp_enqueue_scripts', array( $this, 'load' ) );
		add_action( 'wc_ajax_' . self::ACTION, array( $this, 'answer' ) );
		add_action( 'woocommerce_thankyou', array( $this, 'thank' ), 5 );
	}

	/**
	 * Where the points of a product will stand.
	 */
	public function show_place(): void {
		global $product;
		if ( self::is_wanted() && $product instanceof \WC_Product ) {
			echo '<p class="loyalty-hub-earn" data-product="' . esc_attr( (string) $product->get_id() ) . '"></p>';
		}
	}

	/**
	 * The script of the product's page.
	 */
	public function load(): void {
		if ( is_product() && self::is_wanted() ) {
			wp_enqueue_script( 'loyalty-hub-earn', plugins_url( 'assets/earn.js', LOYALTY_HUB_FILE ), array( 'jquery' ), LOYALTY_HUB_VERSION, true );
			wp_add_inline_script( 'loyalty-hub-earn', 'window.loyaltyHubEarn = ' . wp_json_encode( array( 'url' => \WC_AJAX::get_endpoint( self::ACTION ) ) ) . ';', 'before' );
		}
	}

	/**
	 * What one of a product brings to this buyer.
	 */
	public function answer(): void {
		$product = wc_get_product( absint( wp_unslash( $_GET['product'] ?? 0 ) ) ); // phpcs:ignore WordPress.Security.NonceVerification.Recommended -- nothing is changed.
		$earn    = $product && $product->is_visible() && self::is_wanted() ? self::of( $product ) : 0;
		/* translators: %s: number of points */
		$text = $earn > 0 ? sprintf( __( 'Points that it brings: %s', 'loyalty-hub' ), Offer::points( $earn ) ) : '';
		nocache_headers();
		wp_send_json_success( array( 'text' => $text ) );
	}

	/**
	 * After the order.
	 *
	 * @param int $id Of the order.
	 */
	public function thank( $id ): void {
		$order = wc_get_order( $id );
		$earn  = $order ? (string) $order->get_meta( Orders::EARN ) : '';
		if ( '' !== $earn ) {
			/* translators: %s: number of points */
			echo '<p class="loyalty-hub-earned">' . esc_html( sprintf( __( 'This order brings you points: %s', 'loyalty-hub' ), Offer::points( Money::read( $earn ) ) ) ) . '</p>';
		}
	}

	/**
	 * Whether products tell their points.
	 *
	 * @return bool
	 */
	private static function is_wanted(): bool {
		return Options::are_complete() && 'yes' === Options::get( 'product_points', 'yes' );
	}

	/**
	 * Points of one piece, kept for a while where the shop has a cache of objects.
	 *
	 * @param \WC_Product $product The article.
	 * @return int Hundredths.
	 */
	private static function of( \WC_Product $product ): int {
		$amount = Money::of_shop( wc_get_price_including_tax( $product ) );
		$member = Basket_Reader::member();
		if ( null === $member || $amount <= 0 ) {
			return 0;
		}
		// By the buyer: guests have a phone at most, which no key must tell.  A transient would be two rows
		// of options for each article that anybody looks at, where the shop has no cache of objects.
		$kept_as = wp_hash( wp_json_encode( $member ) . '|' . $product->get_id() . '|' . $amount );
		$kept    = wp_cache_get( $kept_as, self::ACTION );
		if ( false !== $kept ) {
			return (int) $kept;
		}
		$line   = new Line( 'one', 'goods', $amount, '1', Line::sku( (string) $product->get_sku(), $product->get_id() ), $product->get_name() );
		$basket = new Basket( array( $line ), get_woocommerce_currency(), Options::get( 'shop' ) ?: null, $member, Options::locale() );
		$reply  = Transport::for_buyers()->call( 'POST', '/quotes', $basket->body( null, array(), null ) );
		if ( ! $reply->is_ok() || false !== ( $reply->body['degraded'] ?? null ) ) {
			return 0;
		}
		try {
			$earn = ( new Quote( $reply->body, $basket ) )->points['earn'];
		} catch ( \UnexpectedValueException $error ) {
			return 0;
		}
		wp_cache_set( $kept_as, $earn, self::ACTION, self::KEPT_S );
		return $earn;
	}
}
