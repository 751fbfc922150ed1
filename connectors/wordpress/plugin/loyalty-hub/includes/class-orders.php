<?php
/**
 * Orders: the promise, what is written on them, and what the hub is told.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use Automattic\WooCommerce\StoreApi\Exceptions\RouteException;
use LoyaltyHub\Core\Money;

/**
 * The hub reads orders by REST (`connectors/wordpress/lines.py`): the names of meta are those that
 * it knows.
 */
final class Orders {

	public const HOLD         = '_loyalty_hub_hold';
	public const POINTS_SPENT = '_loyalty_hub_points_spent';
	public const EARN         = '_loyalty_hub_earn';
	public const LINE         = '_loyalty_hub_line';
	public const DISCOUNT     = '_loyalty_hub_discount';
	public const SPEND        = '_loyalty_hub_spend';
	public const OFF          = '_loyalty_hub_off';
	public const GIFT         = '_loyalty_hub_gift';

	/**
	 * Seconds that a promise outlives the time for which unpaid stock is kept.
	 */
	private const SPARE = 1800;

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'woocommerce_checkout_create_order_line_item', array( $this, 'name_line' ), 10, 3 );
		add_action( 'woocommerce_checkout_create_order_shipping_item', array( $this, 'name_shipping' ), 10, 2 );
		add_action( 'woocommerce_checkout_create_order_fee_item', array( $this, 'name_fee' ), 10, 2 );

		add_action( 'woocommerce_after_checkout_validation', array( $this, 'promise_classic' ), 1000, 2 );
		add_action( 'woocommerce_checkout_create_order', array( $this, 'write' ) );
		add_action( 'woocommerce_checkout_order_processed', array( $this, 'placed' ) );

		add_action( 'woocommerce_store_api_checkout_update_order_from_request', array( $this, 'promise_blocks' ), 1000, 2 );
		add_action( 'woocommerce_store_api_checkout_order_processed', array( $this, 'placed_by_blocks' ) );

		add_action( 'woocommerce_order_status_changed', array( $this, 'changed' ), 10, 3 );
		add_action( 'woocommerce_order_refunded', array( $this, 'tell' ) );
		add_action( 'woocommerce_refund_deleted', array( $this, 'tell_of_refund' ), 10, 2 );
		add_action( 'woocommerce_untrash_order', array( $this, 'tell' ) );
		add_action( 'woocommerce_trash_order', array( $this, 'gone' ) );
		add_action( 'woocommerce_before_delete_order', array( $this, 'gone' ) );
	}

	/**
	 * A line of goods carries the id under which the hub was asked about it.
	 *
	 * @param \WC_Order_Item $item   The line.
	 * @param string         $key    Of the cart.
	 * @param array          $values The line of the cart.
	 */
	public function name_line( $item, $key, $values ): void {
		$item->update_meta_data( self::LINE, (string) $key );
		if ( Gifts::is( $values ) ) {
			$item->update_meta_data( self::GIFT, 'yes' );
		}
	}

	/**
	 * So does a line of delivery.
	 *
	 * @param \WC_Order_Item $item The line.
	 * @param int|string     $key  Of the package.
	 */
	public function name_shipping( $item, $key ): void {
		$item->update_meta_data( self::LINE, Basket_Reader::shipping_id( $key ) );
	}

	/**
	 * So does a fee.
	 *
	 * @param \WC_Order_Item $item The line.
	 * @param int|string     $key  Of the fee.
	 */
	public function name_fee( $item, $key ): void {
		$item->update_meta_data( self::LINE, Basket_Reader::fee_id( $key ) );
	}

	/**
	 * The classic checkout: the price is promised before the order is made.
	 *
	 * @param array     $data   What was posted.
	 * @param \WP_Error $errors To be shown.
	 */
	public function promise_classic( $data, $errors ): void {
		if ( $errors->has_errors() || ! empty( $data['woocommerce_checkout_update_totals'] ) || $this->promise() ) {
			return;
		}
		WC()->session->set( 'refresh_totals', true );
		$errors->add( 'loyalty_hub', esc_html( self::changed_text() ) );
	}

	/**
	 * The checkout of blocks: this runs while the buyer edits too, and promises only when the order
	 * is placed.
	 *
	 * It runs for an order of before, too, that is paid at last (`checkout/<id>`; WooCommerce 10.5.2,
	 * `CheckoutOrder`).  That one has its price and its promise, and the cart beside it is another purchase.
	 *
	 * @param \WC_Order        $order   The draft.
	 * @param \WP_REST_Request $request What was sent.
	 * @throws RouteException If the price is another now; the answer brings the new cart.
	 */
	public function promise_blocks( $order, $request ): void {
		if ( 'POST' !== $request->get_method() || isset( $request->get_url_params()['id'] ) ) {
			return;
		}
		if ( ! $this->promise() ) {
			throw new RouteException( 'loyalty_hub_price_changed', esc_html( self::changed_text() ), 409 );
		}
		$this->write( $order );
	}

	/**
	 * Writes on the order what the hub is to read of it.
	 *
	 * @param \WC_Order $order Not saved yet.
	 */
	public function write( $order ): void {
		$checkout = Cart::one()->checkout();
		$quote    = null === $checkout ? null : Cart::one()->quote();
		// The checkout of blocks has calculated the order before it knew of certificates, or less those of
		// an earlier try, which the draft still names.
		if ( null !== $quote || Certificates::of_order( $order ) > 0 ) {
			$order->set_total( WC()->cart->get_total( 'edit' ) );
		}
		foreach ( array( self::HOLD, self::POINTS_SPENT, self::SPEND, self::EARN, Certificates::PAID ) as $name ) {
			$order->delete_meta_data( $name );
		}
		if ( null === $quote ) {
			return;
		}
		if ( null !== $checkout->hold_id() ) {
			$order->update_meta_data( self::HOLD, $checkout->hold_id() );
		}
		if ( $quote->points['spend'] > 0 ) {
			$order->update_meta_data( self::POINTS_SPENT, Money::write( $quote->points['spend'] ) );
			$order->update_meta_data( self::SPEND, Money::write( $quote->total( 'spend' ) ) );
		}
		if ( $quote->points['earn'] > 0 ) {
			$order->update_meta_data( self::EARN, Money::write( $quote->points['earn'] ) );
		}
		if ( $quote->certificates > 0 ) {
			$order->update_meta_data( Certificates::PAID, Money::write( $quote->certificates ) );
		}
		foreach ( $order->get_items() as $item ) {
			$this->write_line( $item );
		}
		foreach ( $order->get_items( 'coupon' ) as $item ) {
			$this->write_coupon( $item );
		}
	}

	/**
	 * The order is made: the hold gets its number.
	 *
	 * @param int $id Of the order.
	 */
	public function placed( $id ): void {
		$order = wc_get_order( $id );
		if ( $order ) {
			$this->placed_by_blocks( $order );
		}
	}

	/**
	 * The same where the checkout of blocks made it.
	 *
	 * @param \WC_Order $order The order.
	 */
	public function placed_by_blocks( $order ): void {
		if ( '' !== $order->get_meta( self::HOLD ) ) {
			Queue::add( Queue::TIE, $order->get_id() );
		}
		$this->tell( $order->get_id() );
	}

	/**
	 * Another status.
	 *
	 * A failed payment may be tried again, so it releases nothing; the hold ends by itself.
	 *
	 * @param int    $id   Of the order.
	 * @param string $from Before.
	 * @param string $to   Now.
	 */
	public function changed( $id, $from, $to ): void {
		if ( 'cancelled' === $to ) {
			$this->release( $id );
		}
		$this->tell( $id );
	}

	/**
	 * To the trash, or for ever.
	 *
	 * @param int $id Of the order.
	 */
	public function gone( $id ): void {
		$this->release( $id );
		$this->tell( $id );
	}

	/**
	 * A refund was deleted.
	 *
	 * @param int $refund Id, no more to be read.
	 * @param int $order  Id.
	 */
	public function tell_of_refund( $refund, $order ): void {
		$this->tell( $order );
	}

	/**
	 * Has the hub look at an order.
	 *
	 * @param int $id Of the order.
	 */
	public function tell( $id ): void {
		if ( '' !== Options::get( 'connection' ) && '' !== Options::get( 'secret' ) ) {
			Queue::add( Queue::HINT, (int) $id );
		}
	}

	/**
	 * Has the price promised; if that is refused, the cart is calculated anew.
	 *
	 * @return bool Whether the buyer pays what was shown.
	 */
	private function promise(): bool {
		if ( null === Cart::one()->checkout() || WC()->cart->is_empty() ) {
			return true;
		}
		if ( Cart::one()->renew() ) {
			return false;
		}
		$checkout = Cart::one()->checkout();
		$kept     = $checkout->hold( Cart::one()->basket(), self::ttl() );
		Cart::one()->keep_checkout( $checkout );
		if ( ! $kept ) {
			WC()->cart->calculate_totals();
		}
		return $kept;
	}

	/**
	 * How long the promise lasts.
	 *
	 * @return int Seconds.
	 */
	public static function ttl(): int {
		return (int) get_option( 'woocommerce_hold_stock_minutes', 60 ) * 60 + self::SPARE;
	}

	/**
	 * What the buyer reads when the price has changed at the last moment.
	 *
	 * @return string
	 */
	private static function changed_text(): string {
		return __( 'Your points or discounts have changed, and so has the total. Please look at it and place the order once more.', 'loyalty-hub' );
	}

	/**
	 * What the hub took off a line.
	 *
	 * @param \WC_Order_Item $item The line.
	 */
	private function write_line( $item ): void {
		$key  = (string) $item->get_meta( self::LINE );
		$told = Cart::one()->told()[ $key ] ?? null;
		foreach ( array( self::DISCOUNT, self::SPEND, self::OFF ) as $name ) {
			$item->delete_meta_data( $name );
		}
		if ( null !== $told ) {
			$item->update_meta_data( self::DISCOUNT, Money::write( $told['discount'] ) );
			$item->update_meta_data( self::SPEND, Money::write( $told['spend'] ) );
			$item->update_meta_data( self::OFF, array_map( fn( array $off ) => $off[ $key ] ?? 0, Cart::one()->off() ) );
		}
	}

	/**
	 * The sum of a coupon of ours, as the cart has it.
	 *
	 * The draft of the checkout of blocks makes these lines anew only when the codes change, not when
	 * the sums do (WooCommerce 10.5.2, `OrderController::update_line_items_from_cart`).
	 *
	 * @param \WC_Order_Item_Coupon $item The line.
	 */
	private function write_coupon( $item ): void {
		if ( in_array( $item->get_code(), Coupons::CODES, true ) ) {
			$item->set_discount( WC()->cart->get_coupon_discount_amount( $item->get_code() ) );
			$item->set_discount_tax( WC()->cart->get_coupon_discount_tax_amount( $item->get_code() ) );
		}
	}

	/**
	 * Gives back what an order had set aside.
	 *
	 * @param int $id Of the order.
	 */
	private function release( $id ): void {
		$order = wc_get_order( $id );
		$hold  = $order ? (string) $order->get_meta( self::HOLD ) : '';
		if ( '' !== $hold ) {
			Queue::add( Queue::RELEASE, (int) $id, $hold );
		}
	}
}
